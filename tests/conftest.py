"""One Spark session for all tests; rows of a frame as plain values; the shared data, where there is any."""

import os
from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import types as T

from tests.grown_lake import grown_lake  # noqa: F401  # a fixture that several folders share

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one local session with Delta; its noise goes to a file."""
    from jobs.runtime.session import open_session

    folder = tmp_path_factory.mktemp("spark")
    session = open_session(folder / "spark.log", master="local[2]")
    session.conf.set("spark.sql.shuffle.partitions", "2")
    # Plans over a few rows run once: compiling them costs more than it gives. The lanes of real runs compile theirs.
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; tests that need it skip where it is absent, but not in CI."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail("../shared/data is missing in CI")
        pytest.skip("needs ../shared/data, which a user's clone does not have")
    return SHARED


def frame(spark: SparkSession, columns: T.StructType, *values: dict[str, Any]) -> DataFrame:
    """A small frame of declared columns; what a row leaves out is null."""
    loose = T.StructType([T.StructField(field.name, field.dataType) for field in columns])
    return spark.createDataFrame([tuple(row.get(name) for name in columns.names) for row in values], loose)


def matches_frame(spark: SparkSession, matches: Sequence[tuple[str, Any]], method: str = "minhash") -> DataFrame:
    """Rows of duplicate_matches as far as readers look: document_id with [(other id, similarity)]."""
    schema = "document_id string, method string, matches array<struct<document_id: string, similarity: double>>"
    return spark.createDataFrame([(holder, method, found) for holder, found in matches], schema)


def plain(value: Any) -> Any:
    """A cell as plain Python: rows become dicts."""
    if isinstance(value, Row):
        return {name: plain(item) for name, item in value.asDict().items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def rows(frame: DataFrame, *order: str) -> list[dict[str, Any]]:
    """The rows of a small frame as dicts, in the order of some columns (all, when none are named)."""
    return [plain(row) for row in frame.orderBy(*(order or frame.columns)).collect()]


@pytest.fixture(scope="session")
def faq_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the README's example: its source and its recipe, run once."""
    from jobs.pipeline import PIPELINE
    from jobs.runtime.recipe import load_recipe
    from jobs.runtime.run import run_recipe

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("faq")
    (folder / "raw").mkdir()
    for kind, name in (("csv", "raw/faq.csv"), ("yaml", "recipe.yaml")):
        (folder / name).write_text(readme.split(f"```{kind}\n")[1].split("```")[0], encoding="utf-8")
    with chdir(folder):
        run_recipe(spark, load_recipe("recipe.yaml", PIPELINE), PIPELINE, say=lambda _: None)
    return folder / "lake"


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Hugging Face's library, without a network and with a cache of its own; it reads its environment at import."""
    folder = str(tmp_path_factory.mktemp("hugging"))
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": folder}
    import datasets  # type: ignore[import-untyped]  # it leaves itself untyped

    datasets.disable_progress_bars()
    return datasets
