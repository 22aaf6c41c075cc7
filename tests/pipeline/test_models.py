"""Model jobs in a whole run, on real questions to a bank: asked once a text, of new ones alone; what they leave."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from jobs.runtime.views import query
from tests.conftest import plain

pytestmark = [pytest.mark.spark, pytest.mark.network]
MODEL_JOBS = ("embed_text", "fit_blocks", "match_duplicates", "fit_clusters", "assign_clusters", "score_text")
FIRST, ALL = 400, 404
TWINS = ("How can I find the card that I lost?", "How can I find the card I have lost?")


class Bank:
    """A lake of a bank's questions, and runs over it."""

    def __init__(self, spark: SparkSession, folder: Path, questions: list[dict[str, str]]) -> None:
        self.spark, self.folder, self.questions = spark, folder, questions
        self.recipe: dict[str, Any] = {
            "dataset": "bank",
            "tables": str(folder / "lake"),
            "tracking": {"uri": f"sqlite:///{folder}/mlflow.db"},
            "sources": [
                {"name": "bank", "path": str(folder / "bank.jsonl"), "format": "json", "key": "id"}
                | {"fields": {"text": "text", "label": "category"}}
            ],
            "embed_text": {"model": "use"},
            "match_duplicates": {"semantic": {"threshold": 0.9}},
            "assign_splits": {"train": 0.6, "val": 0.2, "test": 0.2},
            "fit_clusters": {"k": 5},
            "score_text": {
                "scorers": {
                    "clean_prose": {},
                    "on_topic": {"kind": "similarity", "texts": ["I lost my card", "我的卡丢了"]},
                    "words": {"where": "clean_prose > 0.5", "top": {"n": 50, "by": "on_topic"}},
                }
            },
        }

    def run(self, count: int, plan: bool = False) -> dict[str, tuple[str, int]]:
        """The first `count` questions; what each job did, and how many rows it wrote.  plan: look ahead before."""
        rows = [{"id": str(number), **row} for number, row in enumerate(self.questions[:count])]
        file, lines = self.folder / "bank.jsonl", "".join(json.dumps(row) + "\n" for row in rows)
        if not file.exists() or file.read_text(encoding="utf-8") != lines:
            file.write_text(lines, encoding="utf-8")
        path = self.folder / "bank.yaml"
        path.write_text(yaml.safe_dump(self.recipe, sort_keys=False, allow_unicode=True), encoding="utf-8")
        recipe = load_recipe(str(path), PIPELINE)
        self.planned = {one.job: one.rows or 0 for one in plan_recipe(self.spark, recipe, PIPELINE)} if plan else {}
        context = run_recipe(self.spark, recipe, PIPELINE, say=lambda _: None)
        return {one.job: (one.status, one.rows_out) for one in context.outcomes}

    def ask(self, statement: str) -> list[dict[str, Any]]:
        """Rows of a query over the lake."""
        lake = Lake(self.spark, self.recipe["tables"])
        return [plain(row) for row in query(lake, statement).collect()]


@pytest.fixture(scope="module")
def bank(spark: SparkSession, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with (shared_data / "intents_banking77" / "test.csv").open(encoding="utf-8", newline="") as file:
        questions = list(csv.DictReader(file))[: ALL - 2]
    twins = [{"text": text, "category": "lost_or_stolen_card"} for text in TWINS]
    yield Bank(spark, tmp_path_factory.mktemp("bank"), [*twins[:1], *questions, *twins[1:]])


def test_the_first_run_asks_about_every_text_once(bank: Bank) -> None:
    done = bank.run(FIRST)
    assert {job: done[job] for job in MODEL_JOBS} == {
        "embed_text": ("done", FIRST),
        "fit_blocks": ("done", 20),
        "match_duplicates": ("done", 2 * FIRST),
        "fit_clusters": ("done", 5),
        "assign_clusters": ("done", FIRST),
        "score_text": ("done", 2 * FIRST + 50),
    }
    near = bank.ask("SELECT count(*) AS n FROM duplicate_matches WHERE method = 'semantic' AND size(matches) > 0")
    assert near[0]["n"] > 10
    titles = bank.ask("SELECT count(DISTINCT title) AS n FROM centroids")
    assert titles[0]["n"] == 5
    best = "SELECT max_by(text, value) AS text FROM scores JOIN documents USING (document_id) WHERE scorer = 'on_topic'"
    assert "card" in bank.ask(best)[0]["text"]


def test_a_second_run_asks_nobody(bank: Bank) -> None:
    assert {status for status, _ in bank.run(FIRST).values()} == {"skipped"}


def test_one_percent_more_asks_about_one_percent(bank: Bank) -> None:
    done = bank.run(ALL, plan=True)
    added = ALL - FIRST
    assert all(bank.planned[job] >= rows for job, (status, rows) in done.items() if job in MODEL_JOBS), bank.planned
    assert done["embed_text"] == ("done", added) and done["fit_blocks"] == ("done", 0)
    assert done["match_duplicates"] == ("done", 2 * added) and done["assign_clusters"] == ("done", added)
    assert done["fit_clusters"] == ("done", 0), "grown by 1 %"
    assert 2 * added <= done["score_text"][1] <= 3 * added


def test_texts_that_say_the_same_share_a_split(bank: Bank) -> None:
    """The twin came a run later."""
    pairs = bank.ask(
        "WITH m AS (SELECT document_id, explode(matches) AS o FROM duplicate_matches WHERE method = 'semantic') "
        "SELECT count(*) AS n, count_if(a.split = b.split) AS together FROM m "
        "JOIN splits a ON a.document_id = m.document_id JOIN splits b ON b.document_id = m.o.document_id"
    )
    assert pairs[0]["n"] == pairs[0]["together"] > 10
    twins = " UNION ALL ".join(f"SELECT '{text}' AS text" for text in TWINS)
    found = bank.ask(f"SELECT leak_group_id FROM ({twins}) JOIN documents USING (text) JOIN splits USING (document_id)")
    assert len(found) == 2 and len({row["leak_group_id"] for row in found}) == 1
    assert bank.ask("SELECT count(*) AS n FROM leaks WHERE method = 'semantic'")[0]["n"] == 0


def test_a_changed_scorer_is_the_only_one_that_runs_anew(bank: Bank) -> None:
    bank.recipe["score_text"]["scorers"]["on_topic"]["texts"] = ["exchange rates"]
    before = bank.ask("SELECT scorer, count(*) AS n FROM scores GROUP BY scorer")
    done = bank.run(ALL)
    assert done["embed_text"] == ("skipped", 0) and done["score_text"][0] == "done"
    after = {row["scorer"]: row["n"] for row in bank.ask("SELECT scorer, count(*) AS n FROM scores GROUP BY scorer")}
    grown = {row["scorer"]: after[row["scorer"]] - row["n"] for row in before}
    assert grown["on_topic"] == ALL and grown["clean_prose"] == 0
    assert 0 < grown["words"] <= 50, "other documents are among the fifty nearest now"


def test_fifty_more_by_a_wider_reach_and_none_by_a_narrower_one(bank: Bank) -> None:
    words = bank.recipe["score_text"]["scorers"]["words"]
    words["top"]["n"] = 10
    assert bank.run(ALL)["score_text"] == ("done", 0)
    words["top"]["n"] = ALL
    scored = bank.ask("SELECT count(*) AS n FROM scores WHERE scorer = 'words'")[0]["n"]
    assert bank.run(ALL)["score_text"] == ("done", ALL - scored)
