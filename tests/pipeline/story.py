"""One lake with 10,000 real questions and planted rows, and what changes in its sources from run to run."""

import csv
import hashlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import Row, SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.context import Context
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from jobs.runtime.views import register
from schemas.clean_records import CLEAN_RECORDS
from schemas.labels import LABELS
from schemas.raw_records import RAW_RECORDS
from schemas.selections import SELECTIONS
from schemas.splits import SPLITS
from tests.pipeline.odd_input import lines_of, odd_files

BANK_ROWS = 10_000
PAIRS = 150
THREADS = 200
GROUP = "thread-grown"
# A file that is set aside has no record.
OF_FILES = {"bad_header", "empty_file", "truncated_file", "wrong_encoding", "unreadable_file"}


def words(name: str, count: int) -> list[str]:
    """Words of five letters that no other name has."""
    return [hashlib.sha256(f"{name}/{place}".encode()).hexdigest()[:5] for place in range(count)]


def pair(number: int) -> tuple[str, str, str, str]:
    """Two texts with too little in common to be linked, one between that is linked to both, one near that one only."""
    every = words(f"pair {number}", 28)
    left, right, between = every[:20], every[8:], every[4:24]
    near = [*words(f"near {number}", 3), *every[7:21], *words(f"nearer {number}", 3)]
    return " ".join(left), " ".join(right), " ".join(between), " ".join(near)


@dataclass
class Story:
    """A lake, the rows of its sources, and the last run."""

    folder: Path
    spark: SparkSession
    bank: dict[str, dict[str, str]]
    notes: dict[str, str] = field(default_factory=dict)
    faq: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    twice: list[dict[str, str]] = field(default_factory=list)
    sections: dict[str, Any] = field(default_factory=dict)
    last: Context | None = None

    @property
    def lake(self) -> Lake:
        """The lake, opened anew."""
        return Lake(self.spark, str(self.folder / "lake"))

    def write(self) -> None:
        """Write the sources as they are now; a file that stays the same is not touched."""
        rows = io.StringIO()
        writer = csv.DictWriter(rows, ["id", "text", "label", "thread"])
        writer.writeheader()
        writer.writerows([*self.bank.values(), *self.twice])
        files = {"bank.csv": rows.getvalue().encode(), **odd_files()}
        files["notes/notes.jsonl"] = lines_of([{"id": name, "text": text} for name, text in self.notes.items()])
        for name, turns in self.faq.items():
            files[f"faq/{name}"] = lines_of([{"q": prompt, "a": reply} for prompt, reply in turns])
        for old in self.folder.glob("faq/*"):
            if f"faq/{old.name}" not in files:
                old.unlink()
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)

    def run(self, recipe: str = "recipe.yaml", **sections: Any) -> Context:
        """Write the sources, run a recipe and register the views."""
        self.write()
        self.last = run_recipe(self.spark, self.recipe(recipe, **sections), PIPELINE, say=lambda _: None)
        register(self.lake)
        return self.last

    def recipe(self, name: str = "recipe.yaml", **sections: Any) -> Any:
        """The recipe as a file of that name holds it."""
        path = self.folder / name
        document = self.document() | self.sections | sections
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        return load_recipe(str(path), PIPELINE)

    def document(self) -> dict[str, Any]:
        """A file with keys and threads, notes with keys, questions and answers without, odd lines, chats by sight."""
        folder = self.folder
        return {
            "dataset": "story",
            "tables": str(folder / "lake"),
            "tracking": {"uri": "nowhere://at.all"},
            "sources": [
                source("bank", folder / "bank.csv", "csv", {"text": "text", "label": "label", "group": "thread"}, "id"),
                source("notes", folder / "notes", "json", {"text": "text"}, "id"),
                source("faq", folder / "faq", "json", {"prompt": "q", "response": "a"}) | {"on_vanish": "drop"},
                source("odd", folder / "odd", "json", {"text": "t", "label": "l"}),
                source("sheet", folder / "odd.csv", "csv", {"text": "text"}, "id"),
                source("talk", folder / "talk.jsonl", "json", {"messages": "m"}),
                source("seen", folder / "seen.jsonl", "json", {}),
                source("code", folder / "odd.py", "python", {}),
                source("typed", folder / "odd.parquet", "parquet", {"text": "text"}),
                source("whole", folder / "whole", "file", {}),
            ],
            "clean_text": self.cleaning(cleaners=["repair_unicode", "strip_control_characters"]),
            "match_duplicates": {"bucket_cap": 50, "anchors": 5},
        }

    def cleaning(self, **other: Any) -> dict[str, Any]:
        """The section of clean_text."""
        labels = sorted({row["label"] for row in self.bank.values()})
        return {"language_model": None, "min_chars": 2, "max_chars": 4_000, "labels": labels, **other}

    def ask(self, statement: str) -> list[Row]:
        """The rows of a query over tables and views."""
        return self.spark.sql(statement).collect()

    def splits(self) -> dict[str, str]:
        """document_id -> split, of every document that ever had one."""
        return {row[0]: row[1] for row in self.ask("SELECT document_id, split FROM splits")}

    def split_by_id(self) -> dict[str, str]:
        """Split of the document of each current record that has a key."""
        rows = self.ask("""
            SELECT get_json_object(r.payload, '$.id') AS id, s.split FROM current_records c
            JOIN raw_records r ON r.record_id = c.record_id AND r.revision = c.revision
            JOIN splits s ON s.document_id = c.document_id WHERE c.source IN ('bank', 'notes')""")
        return {row["id"]: row["split"] for row in rows}

    def record(self, source: str, **like: str) -> Row:
        """The current row of clean_records whose record has these payload fields, with split and outcome."""
        where = " AND ".join(f"get_json_object(r.payload, '$.{key}') = '{value}'" for key, value in like.items())
        found = self.ask(f"""
            SELECT c.record_id, c.revision, c.document_id, c.text, s.split, s.reason, s.drop_reason AS set_aside,
                   o.outcome, o.drop_reason, o.drop_value, o.drop_threshold, o.partner_id
            FROM current_records c
            JOIN raw_records r ON r.record_id = c.record_id AND r.revision = c.revision
            LEFT JOIN splits s ON s.document_id = c.document_id
            LEFT JOIN outcomes o ON o.record_id = c.record_id AND o.dataset = c.dataset
              AND o.dataset_version = (SELECT max(dataset_version) FROM dataset_versions WHERE dataset = 'story')
            WHERE c.dataset = 'story' AND r.source = '{source}' AND {where}""")
        assert len(found) == 1, (source, like, len(found))
        return found[0]


def source(name: str, path: Path, form: str, fields: dict[str, str], key: str | None = None) -> dict[str, Any]:
    """One source of the recipe."""
    return {"name": name, "path": str(path), "format": form, "fields": fields} | ({"key": key} if key else {})


def first_rows(shared_data: Path) -> dict[str, dict[str, str]]:
    """10,000 real bank questions with their intents, no two in one thread but the four of one small group."""
    with (shared_data / "intents_banking77" / "train.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))[:BANK_ROWS]
    bank = {
        f"q{number}": {"id": f"q{number}", "text": row["text"], "label": row["category"], "thread": f"thread-{number}"}
        for number, row in enumerate(rows)
    }
    for number in range(THREADS):
        text = " ".join(words(f"thread {number}", 20))
        bank[f"t{number}"] = {"id": f"t{number}", "text": text, "label": "talk", "thread": f"{GROUP}-{number}"}
    return bank


def first_notes() -> dict[str, str]:
    """The ends of 150 pairs, and untidy texts that another cleaning changes."""
    notes = {}
    for number in range(PAIRS):
        notes[f"left{number}"], notes[f"right{number}"], *_ = pair(number)
    for number in range(60):
        notes[f"untidy{number}"] = "\u00a0".join(words(f"untidy {number}", 20))
    return notes


def first_faq() -> dict[str, list[tuple[str, str]]]:
    """60 questions with one answer each, in two files."""
    turns = [(" ".join(words(f"ask {n}", 9)), " ".join(words(f"answer {n}", 20))) for n in range(60)]
    return {"one.jsonl": turns[:50], "two.jsonl": turns[50:]}


def drawn(fates: dict[str, list[Row]]) -> list[str]:
    """Records in an order drawn by a fixed seed, but first one of each outcome and reason."""
    order = sorted(fates)
    random.Random(100).shuffle(order)
    kinds: dict[tuple[str, str | None], str] = {}
    for ident in order:
        for fate in fates[ident]:
            kinds.setdefault((fate["outcome"], fate["drop_reason"]), ident)
    return list(dict.fromkeys([*kinds.values(), *order]))


def explainable() -> set[str]:
    """Every reason code that a record can have."""
    tables = (RAW_RECORDS, CLEAN_RECORDS, SPLITS, LABELS, SELECTIONS)
    return {code for table in tables for code in table.reasons} - OF_FILES


def assert_told(told: Sequence[str], fate: Row) -> None:
    """One sentence tells of the outcome in its version, with all that the outcome says."""
    start = f"In version {fate['dataset_version']} of {fate['dataset']} ("
    said = [line for line in told if line.startswith(start)]
    parts = ("outcome", "drop_reason", "drop_value", "merged_into", "partner_id")
    assert len(said) == 1 and all(fate[part] in said[0] for part in parts if fate[part] is not None), (said, fate)
