"""The command line: help without Spark, exit codes, messages; no command here starts Spark."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.runtime import terminal
from jobs.runtime.cli import main
from jobs.runtime.errors import ConfigError
from jobs.runtime.views import query

ROOT = Path(__file__).resolve().parents[2]
RECIPE = str(ROOT / "conf" / "recipes" / "reviews_zh.yaml")


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


def test_help_imports_no_spark() -> None:
    code = "import sys; from jobs.runtime import cli; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("command", ["check", "run", "status", "explain", "sql", "export"])
def test_each_command_teaches_by_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(command, "--help") == 0
    assert f"Example: sluice {command} conf/recipes/" in re.sub(r"\s+", " ", capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nosuch",),
        ("run",),
        ("run", RECIPE, "--nosuch"),
        ("run", RECIPE, "--from", "nosuch"),
        ("run", RECIPE, "--from", "publish_dataset", "--to", "list_files"),
        ("run", RECIPE, "--plan", "--resplit"),
        ("run", RECIPE, "--set", "nosuch"),
        ("run", "nosuch.yaml"),
        ("check",),
        ("check", "nosuch.yaml"),
        ("check", RECIPE, "--set", "nosuch"),
        ("sql", RECIPE),
        ("sql", RECIPE, "SELECT 1", "--format", "xml"),
        ("explain", RECIPE, "00000000", "--format", "xml"),
        ("export", RECIPE, "latest", "--format", "chat"),
        ("export", RECIPE, "latest", "--format", "xml", "--out", "out"),
        ("export", RECIPE, "newest", "--format", "chat", "--out", "out"),
        ("export", RECIPE, "1", "--format", "chat", "--out", "out", "--compress", "bz2"),
        ("export", RECIPE, "1", "--format", "chat", "--out", "out", "--shard-rows", "0"),
    ],
)
def test_wrong_arguments_exit_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_debug_shows_the_traceback_at_any_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("status", "nosuch.yaml", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_no_lake_is_said_before_spark_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("status", RECIPE) == 0
    assert "there is no lake at" in capsys.readouterr().out
    assert call("sql", RECIPE, "SELECT 1") == 2
    assert call("explain", RECIPE, "0123456789") == 2
    assert call("export", RECIPE, "latest", "--format", "chat", "--out", "out") == 2
    assert "sluice run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "statement", ["DROP TABLE x", "", "/* SELECT */ delete from x", "SET x = 1", "CREATE VIEW a AS SELECT 1"]
)
def test_sql_only_reads(statement: str) -> None:
    with pytest.raises(ConfigError, match="only reads"):
        query(None, statement)  # type: ignore[arg-type]  # refused before the lake is touched


def test_an_error_in_a_worker_is_told_as_it_was_raised() -> None:
    error = RuntimeError(
        "\n  An exception was thrown from the Python worker. Please see the stack trace below.\n"
        'Traceback (most recent call last):\n  File "x.py", line 3, in f\nValueError: no such model: x\n'
    )
    assert terminal.in_short(error) == "ValueError: no such model: x"
    assert terminal.in_short(RuntimeError("An error occurred while calling o1.x.\n: java.io.IOException: full")) == (
        "RuntimeError: java.io.IOException: full"
    )
