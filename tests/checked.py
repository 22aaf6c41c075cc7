"""A recipe in a folder of its own, and what its checks find."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime import log_lines
from jobs.runtime.check import recipe_checks
from jobs.runtime.cli import main
from jobs.runtime.findings import Finding, look
from jobs.runtime.recipe import load_recipe

FAQ = {"name": "faq", "path": "raw/faq.csv", "format": "csv", "fields": {"prompt": "q", "response": "a"}}
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of two rows; the format of lines and MLflow's place as at the start of a process."""
    (tmp_path / "here" / "raw").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(log_lines, "_chosen", {"format": "text"})
    Path("raw/faq.csv").write_text("q,a\nWho?,You\nWhat?,That\n")
    return Path.cwd()


def write(*sources: dict[str, Any], name: str = "recipe.yaml", **top: Any) -> str:
    """A recipe file that needs no model unless it names one."""
    recipe = {"dataset": "faq", "tables": "lake", "sources": sources or (FAQ,), "clean_text": {"language_model": None}}
    Path(name).write_text(yaml.safe_dump(json.loads(json.dumps(recipe | top))))
    return name


def source(name: str, path: str, format: str = "text") -> dict[str, Any]:
    """A source of a format whose columns are known, or that maps one."""
    return {"name": name, "path": path, "format": format} | (
        {} if format in ("text", "python") else {"fields": {"text": "t"}}
    )


def findings(*sources: dict[str, Any], spark: SparkSession | None = None, **top: Any) -> dict[str, Finding]:
    """What -> its finding."""
    recipe = load_recipe(write(*sources, **top), PIPELINE)
    return {one.what: one for one in look(recipe_checks(recipe, PIPELINE, spark, "local[2]"))}


def tree() -> dict[str, bytes | None]:
    """All that lies here, and what is in it."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}


def call(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)
