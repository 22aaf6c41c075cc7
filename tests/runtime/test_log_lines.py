"""Lines for programs: one JSON object each, on the stream of the text that they stand for."""

import json
from typing import Any

import pytest

from jobs.runtime import cli, commands, log_lines
from jobs.runtime.closing import show_closing
from jobs.runtime.execute import Outcome

CALL = ("run", "nosuch.yaml", "--log-format", "json")


@pytest.fixture(autouse=True)
def text_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The format is the process's: what one test chooses is not the next one's."""
    monkeypatch.setattr(log_lines, "_chosen", {"format": "text"})


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    return int(end.value.code or 0)


def lines(said: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in said.splitlines()]
    assert all(line.pop("time").endswith("Z") for line in found)
    return found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (CALL, "nosuch.yaml: the recipe cannot be read: No such file or directory. Give the path of a YAML file."),
        (("--log-format=json", *CALL[:2]), "No such option: --log-format"),
        (("run", "--log-format=json"), "Missing argument 'RECIPE'."),
        ((*CALL, "--nosuch"), "No such option: --nosuch"),
        ((*CALL, "--plan", "--resplit"), "--plan writes nothing and --resplit does: give one of them"),
    ],
)
def test_an_error_is_one_line_on_standard_error(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert lines(said.err) == [{"event": "error", "message": message, "exit_code": 2}]


def test_an_unknown_format_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "nosuch.yaml", "--log-format", "xml") == 2
    assert capsys.readouterr().err == "error: --log-format xml: expected one of text, json\n"


def test_ctrl_c_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_load", stopped)
    assert call(*CALL) == 1
    # A line break behind the ^C that a terminal shows is typer's.
    (line,) = lines(capsys.readouterr().err.lstrip("\n"))
    assert line == {
        "event": "error",
        "message": "stopped; what is written stays, run again to go on",
        "exit_code": 1,
    }


def test_help_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "--help", "--log-format", "json") == 0
    assert "--log-format" in capsys.readouterr().out


def test_the_line_of_a_job(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome("clean_text", "done", 1.5, 2.25, 3, 2, 1, {"too_short": 1})
    log_lines.job("faq", outcome)
    assert capsys.readouterr().out == "", "as text the console prints the line"
    monkeypatch.setitem(log_lines._chosen, "format", "json")
    log_lines.job("faq", outcome)
    assert lines(capsys.readouterr().out) == [
        {
            "event": "job",
            "dataset": "faq",
            "job": "clean_text",
            "status": "done",
            "rows_in": 3,
            "rows_out": 2,
            "rows_changed": 1,
            "dropped": {"too_short": 1},
            "seconds": 1.5,
            "cpu_seconds": 2.25,
            "note": "",
        }
    ]


def test_an_end_without_a_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(log_lines._chosen, "format", "json")
    show_closing([])
    assert lines(capsys.readouterr().out) == [{"event": "end", "datasets": [], "lakes": []}]
