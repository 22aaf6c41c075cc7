"""The README's example grows as it says, and no example moves."""

import shlex
import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from jobs.runtime.views import query
from tests.test_readme import blocks


@pytest.mark.spark
def test_it_grows_and_nothing_moves(spark: SparkSession, faq_lake: Path, tmp_path: Path) -> None:
    shutil.copytree(faq_lake.parent, tmp_path, dirs_exist_ok=True)
    grow = next(block for block in blocks("sh") if "echo" in block).splitlines()
    moved = next(block for block in blocks("sql") if "a.split <> b.split" in block)
    with chdir(tmp_path):
        for line in grow:
            if line.startswith("echo"):
                subprocess.run(line, shell=True, check=True)
        run_recipe(spark, load_recipe("recipe.yaml", PIPELINE), PIPELINE, say=lambda _: None)
        lake = Lake(spark, "lake")
        assert query(lake, moved).collect() == []
        counts = {row["outcome"]: row["records"] for row in query(lake, shlex.split(grow[-1])[-1]).collect()}
        versions = query(lake, "SELECT count(*) AS n FROM dataset_examples GROUP BY dataset_version").collect()
    assert sum(counts.values()) == 14 and len(versions) == 2
    # Record 13 is a near-duplicate of record 10; record 14 is new.
    assert counts["published"] == 8
