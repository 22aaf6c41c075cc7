"""What the README says is true: tables, tree, parameters, recipes, commands, queries and examples."""

import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
import yaml
from pydantic import BaseModel
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.assets import asset_models
from jobs.runtime.cli import app, main
from jobs.runtime.errors import ConfigError, GateRefusal, SluiceError
from jobs.runtime.explain import explain
from jobs.runtime.model_places import NEEDED
from jobs.runtime.recipe import load_recipe
from jobs.runtime.source import Source
from jobs.runtime.story import tell
from jobs.runtime.tables import Lake
from jobs.runtime.views import VIEWS, query
from tests.conftest import plain
from udfs.arrow_payloads import make_payloads
from udfs.clean_functions import CLEANERS
from udfs.examples import Drop, build_example
from udfs.ingest_tables import read_payloads
from udfs.payload_fields import FIELD_NAMES, read_fields
from udfs.read_parquet import read_parquet
from udfs.read_rows import read_rows
from udfs.scorers import SCORERS
from udfs.transcode import transcoded

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
JOBS = {job.name: job for job in PIPELINE}
MAX_WORDS = 8
MODEL_VIEWS = ("current_scores", "current_clusters", "score_extremes")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def table(*header: str) -> list[list[str]]:
    """The cells of the table with this header."""
    start = TEXT.index("| " + " | ".join(header) + " |\n")
    lines = TEXT[start:].split("\n\n")[0].strip().splitlines()
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    assert all(len(cells) == len(header) for cells in found), header
    return found


def quoted(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Dotted keys of nested sections."""
    if isinstance(value, dict) and (value or "." not in prefix):
        for name, inner in value.items():
            yield from flat(f"{prefix}.{name}", inner)
    else:
        yield prefix, value


def test_flow_table_is_the_pipeline() -> None:
    rows = table("job", "reads", "writes", "one row is")
    assert [name for name, *_ in rows] == list(JOBS)
    for place, (name, reads, writes, _) in enumerate(rows):
        job, written = JOBS[name], {one.writes for one in PIPELINE[: place + 1]}
        forward, _, back = reads.partition("feedback:")
        assert set(quoted(forward)) == {one.name for one in job.inputs if one in written}, name
        assert set(quoted(back)) == {one.name for one in job.inputs if one not in written}, name
        assert quoted(writes) == [job.writes.name]


def test_tree_is_the_repository() -> None:
    tree = next(block for block in blocks("text") if block.startswith("Makefile"))
    folder, seen = "", set()
    for line in tree.splitlines():
        inner, name, said = re.fullmatch(r"(  )?(\S+)\s+(.+)", line).groups()  # type: ignore[union-attr]
        folder = folder if inner else (name if name.endswith("/") else "")
        path = (folder if inner else "") + name
        assert (ROOT / path).is_dir() if name.endswith("/") else (ROOT / path).is_file(), path
        assert len(said.split()) <= MAX_WORDS, line
        seen.add(path)
    jobs = {f"jobs/{path.name}" for path in (ROOT / "jobs").glob("*.py")} - {"jobs/__init__.py"}
    assert jobs <= seen
    assert jobs - {"jobs/pipeline.py", "jobs/main.py"} == {f"jobs/{name}.py" for name in JOBS}


def test_every_parameter_with_its_default() -> None:
    shown = {
        quoted(key)[0]: yaml.safe_load(quoted(default)[0])
        for key, default, _ in table("parameter", "default", "meaning")
    }
    declared = {
        key: value
        for job in PIPELINE
        for key, value in flat(job.name, job.params().model_dump(mode="json", exclude={"sources"}))
    }
    assert shown == declared


def test_lake_parameters_are_named() -> None:
    named = {key: set(job.lake_params) for key, job in JOBS.items() if job.lake_params}
    whole = {name: set(JOBS[name].params.model_fields) for name in named}
    assert {name: whole[name] - named[name] for name in named} == {
        "assign_splits": set(),
        "match_duplicates": {"semantic"},
        "hash_shingles": {"tasks"},
        "find_leaks": {"tasks"},
    }


def test_every_key_of_a_source() -> None:
    shown = {quoted(key)[0]: default.strip("`") for key, default, _ in table("key", "default", "meaning")}
    declared = {
        name: "required" if field.is_required() else json.dumps(plain_default(field.default)).strip('"')
        for name, field in Source.model_fields.items()
    }
    assert shown == declared
    formats = list(get_args(Source.model_fields["format"].annotation))
    assert [quoted(name)[0] for name, *_ in table("format", "one record is", "columns")] == formats
    fields = {name for cell, _ in table("field", "meaning") for name in quoted(cell)}
    assert fields | {"text", "prompt", "response", "messages"} == set(FIELD_NAMES)


@pytest.mark.parametrize("row", table("format", "encoding", "a file", "payloads"))
def test_a_file_becomes_these_payloads(row: list[str]) -> None:
    format, encoding, file = (quoted(cell)[0] for cell in row[:3])
    stream = transcoded(io.BytesIO(json.loads(file).encode("latin-1")), encoding)
    assert [found.payload for found in read_rows(stream, format, "docs/a.md")] == quoted(row[3])


def test_every_scorer_and_every_model() -> None:
    shown = {quoted(kind)[0]: rest for kind, *rest in table("kind", "view", "reads", "takes", "value")}
    assert list(shown) == list(SCORERS)
    for name, (view, reads, takes, _) in shown.items():
        scorer = SCORERS[name]
        assert (view, tuple(quoted(reads)), tuple(quoted(takes))) == (scorer.view, scorer.reads, scorer.takes), name
    models = {quoted(name)[0]: (kind, needs) for name, kind, _, needs in table("model", "kind", "languages", "needs")}
    embedded = asset_models()
    assert models.keys() == embedded.keys()
    for name, (kind, needs) in models.items():
        facts = embedded[name][1]
        assert kind.startswith("causal" if facts.kind == "causal" else "embedder"), name
        assert quoted(needs) == [f"sluice-sft[{NEEDED[facts.kind][0]}]"], name


def plain_default(value: Any) -> Any:
    """A default as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("number", range(len(blocks("yaml"))))
def test_recipes_load(number: int, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(blocks("yaml")[number], encoding="utf-8")
    recipe = load_recipe(str(path), PIPELINE)
    assert isinstance(recipe.params["clean_text"], BaseModel)


def command_lines() -> list[list[str]]:
    """The words of every line of the sh blocks, without variables in front, comments and the venv's folder."""
    lines = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    words = [[w for i, w in enumerate(line) if i or not re.match(r"[A-Z_]+=", w)] for line in lines if line]
    return [[line[0].removeprefix(".venv/bin/"), *line[1:]] for line in words]


def test_commands_exist() -> None:
    sluice: Any = typer.main.get_command(app)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    used = set()
    for program, *arguments in command_lines():
        if program == "make":
            assert re.search(rf"^{arguments[0]}:", makefile, re.MULTILINE), arguments
        elif program == "sluice" and not arguments[0].startswith("--"):
            used.add(arguments[0])
            command = sluice.commands[arguments[0]]
            context = command.make_context(arguments[0], arguments[1:])
            named = context.params.get("recipes") or [context.params["recipe"]]
            assert all((ROOT / name).is_file() or name == "recipe.yaml" for name in named)  # or the README's own
        else:
            assert program in ("sluice", "mlflow", "echo")
    shown = [quoted(cell)[0] for cell, _ in table("command", "what it does")]
    assert set(shown) == used == set(sluice.commands)
    for name, command in sluice.commands.items():
        options = {opt for parameter in command.params for opt in parameter.opts if opt.startswith("--")} - {"--help"}
        said = TEXT[TEXT.index("## Commands") : TEXT.index("## Tables")]
        assert not {opt for opt in options if opt not in said}, name


def test_exit_codes() -> None:
    shown = {int(code) for code, _ in table("exit code", "meaning")}
    assert shown == {0, SluiceError.exit_code, ConfigError.exit_code, GateRefusal.exit_code}


def test_the_demo_adds_up() -> None:
    demo = next(block for block in blocks("text") if "content digest" in block)
    counts = {m[1]: m[2] for m in re.finditer(r"^  (\w+)\s.*?([\d,]+) new", demo, re.MULTILINE)}
    new = {name: int(count.replace(",", "")) for name, count in counts.items()}
    assert set(new) <= set(JOBS)
    selected = next(line for line in demo.splitlines() if "select_examples" in line)
    dropped = sum(int(n.replace(",", "")) for n in re.findall(r"[a-z_]+ ([\d,]+)(?=, [a-z]|  )", selected))
    splits = [[int(n.replace(",", "")) for n in re.findall(r"│ ([\d,]+) ", line)] for line in demo.splitlines()]
    splits = [numbers for numbers in splits if numbers]
    assert new["select_examples"] - dropped == new["write_dataset"] == sum(total for total, *_ in splits)
    assert all(total == sum(labels) for total, *labels in splits)


@pytest.mark.parametrize("row", table("shape", "before", "after"), ids=lambda row: row[0])
def test_shapes_known_by_sight(row: list[str]) -> None:
    _, before, after = row
    seen = build_example(json.loads(quoted(before)[0]), read_fields({}))
    if isinstance(seen, Drop):
        said = [f"{seen.reason}: {seen.detail}"]
    else:
        said = [f"{turn.role}: {turn.content or turn.extra}" for turn in seen.messages] or [f"text: {seen.text}"]
        said += [f"rejected: {seen.rejected}"] if seen.rejected else []
    assert [cell.replace("\\n", "\n") for cell in quoted(after)] == said


@pytest.mark.parametrize("row", table("function", "before", "after"), ids=lambda row: row[0].strip("`"))
def test_cleaning_functions(row: list[str]) -> None:
    name, before, after = (quoted(cell)[0] for cell in row)
    assert CLEANERS[name](json.loads(before)) == json.loads(after)


def test_every_cleaning_function_is_shown() -> None:
    assert [quoted(name)[0] for name, *_ in table("function", "before", "after")] == list(CLEANERS)


def test_rows_of_parquet_and_tables(tmp_path: Path) -> None:
    for name, before, after in table("format", "a row", "its payload"):
        row, place = quoted(before)
        batch = pa.RecordBatch.from_pylist([json.loads(row)])
        if quoted(name) == ["parquet"]:
            pq.write_table(pa.Table.from_batches([batch]), tmp_path / "file")
            found = [one.payload for one in read_parquet(str(tmp_path / "file"), place)]
        else:
            found = [payload for payloads in read_payloads([batch]) for payload in payloads["payload"].to_pylist()]
        assert found == quoted(after)


TYPES = {
    "int64": pa.int64(),
    "decimal(10, 2)": pa.decimal128(10, 2),
    "timestamp": pa.timestamp("us"),
    "timestamp, UTC": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "binary": pa.binary(),
    "double": pa.float64(),
}


@pytest.mark.parametrize("row", table("type", "a value", "in the payload"), ids=lambda row: row[1])
def test_types_of_values(row: list[str]) -> None:
    kind, value, expected = (quoted(cell)[0] for cell in row)
    batch = pa.record_batch([pa.array([value]).cast(TYPES[kind])], ["c"])
    assert list(make_payloads(batch, {})) == [f'{{"c":{expected}}}']


def test_plain_words() -> None:
    assert not re.search(r"https?://|/work/|/home/|/tmp/", TEXT)
    assert TEXT.isascii() or not re.search("[\U0001f300-\U0001faff\u2728\u2705]", TEXT)
    assert all(
        len(line) <= 120 for line in TEXT.splitlines() if not line.startswith(("|", "  - {", "sluice ", "In version"))
    )


@pytest.mark.spark
def test_rows_are_those_of_the_run(spark: SparkSession, faq_lake: Path) -> None:
    lake = Lake(spark, str(faq_lake))
    there = [job.writes for job in PIPELINE if lake.exists(job.writes)]
    found = {table.name: [plain(row) for row in lake.read(table).collect()] for table in there}
    shown = table("job", "a row in", "a row out")
    assert [name for name, *_ in shown] == list(JOBS)
    for name, before, after in shown:
        job = JOBS[name]
        for cell, allowed in ((before, {one.name for one in job.inputs}), (after, {job.writes.name})):
            source = (re.findall(r"(\w+): `\{", cell) or [""])[0]
            assert source in allowed or "`{" not in cell, f"{name}: {source}"
            for example in re.findall(r"`(\{.+?\})`", cell):
                wanted = json.loads(example)
                if "of the demo" in cell:
                    assert set(wanted) <= set(job.writes.columns.names), name
                else:
                    assert any(is_like(row, wanted) for row in found[source]), f"{name}: {example}"


def is_like(value: Any, wanted: Any) -> bool:
    """Whether a value of the lake is the one shown; `…` cuts, and an object may show some of its keys."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(name in value and is_like(value[name], inner) for name, inner in wanted.items())
    if isinstance(wanted, list) and isinstance(value, list):
        return len(value) == len(wanted) and all(map(is_like, value, wanted))
    if isinstance(wanted, str) and wanted.endswith("…"):
        return isinstance(value, str) and value.startswith(wanted[:-1])
    return bool(value == wanted)


@pytest.mark.spark
def test_queries_run(spark: SparkSession, faq_lake: Path) -> None:
    lake, statements = Lake(spark, str(faq_lake)), blocks("sql")
    assert all(any(re.search(rf"\b{view}\b", statement) for statement in statements) for view in VIEWS)
    found = {statement: query(lake, statement).collect() for statement in statements}
    empty = [statement for statement, rows in found.items() if not rows]
    assert len(empty) == 5, "the example has all but a quarantined row, one that moved, and what models leave"
    assert all(any(f"FROM {view}" in one for one in empty) for view in MODEL_VIEWS)
    assert any("WHERE a.split <> b.split" in one for one in empty) and any("FROM quarantine" in one for one in empty)


def test_what_a_check_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("raw").mkdir()
    Path("raw/faq.csv").write_text(blocks("csv")[0], encoding="utf-8")
    Path("recipe.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(next(words for words in command_lines() if words[:3] == ["sluice", "check", "recipe.yaml"])[1:])
    assert end.value.code == 2
    told = next(block for block in blocks("text") if block.startswith("support_faq ("))
    said = capsys.readouterr().out.splitlines()
    assert all(any(is_told(line, found) for found in said) for line in told.splitlines())


def is_told(line: str, found: str) -> bool:
    """Whether a line of the README is this one; `…` stands for anything."""
    return re.fullmatch(".*".join(re.escape(part) for part in line.split("…")), found) is not None


@pytest.mark.spark
def test_the_story_is_told(spark: SparkSession, faq_lake: Path) -> None:
    told = next(block for block in blocks("text") if block.startswith("Record "))
    ident = re.findall(r"[0-9a-f]{8}", told)[0]
    recipe = load_recipe(str(faq_lake.parent / "recipe.yaml"), PIPELINE, tables=str(faq_lake))
    story = tell(explain(Lake(spark, str(faq_lake)), recipe, ident))
    for line in told.splitlines():
        assert any(is_told(line, sentence) for sentence in story), line


@pytest.mark.spark
def test_a_trainer_reads_the_export(
    spark: SparkSession, faq_lake: Path, datasets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_bytes((faq_lake.parent / "recipe.yaml").read_bytes())
    words = next(words for words in command_lines() if words[:3] == ["sluice", "export", "recipe.yaml"])
    with pytest.raises(SystemExit) as end:
        main([*words[1:], "--tables", str(faq_lake)])
    assert not end.value.code
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    found = {row["document_id"]: row["messages"] for rows in names["splits"].values() for row in rows}
    table = query(Lake(spark, str(faq_lake)), "SELECT document_id, messages FROM current_examples").collect()
    assert found == {
        row["document_id"]: [{"role": turn["role"], "content": turn["content"]} for turn in row["messages"]]
        for row in table
    }
