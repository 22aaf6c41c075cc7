"""The entry file: alone in a folder, in its package, from anywhere, with the exit codes of the command."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from jobs.runtime.cli import app
from jobs.runtime.delta_jars import DELTA
from jobs.runtime.session import DELTA_SQL, LOCAL_CONF
from tests.packaging.conftest import Run
from tests.packaging.submitting import ROOT


@pytest.fixture(params=["in the package", "alone"])
def main(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The entry file, where it stands in the checkout, or copied by itself."""
    file = ROOT / "jobs" / "main.py"
    if request.param == "alone":
        file = Path(shutil.copy(file, tmp_path_factory.mktemp("entry")))
    return str(file)


def test_it_runs_the_packages_that_py_files_gives(main: str, zipped: Path, elsewhere: Run) -> None:
    ran = elsewhere(main, "--version", path=str(zipped))
    assert (ran.returncode, ran.stdout) == (0, f"sluice 0.1.0 from {zipped}\n")


def test_it_runs_the_wheel_itself(main: str, wheel: Path, elsewhere: Run) -> None:
    assert elsewhere(main, "--version", path=str(wheel)).stdout == f"sluice 0.1.0 from {wheel}\n"


def test_the_exit_code_is_the_commands(main: str, zipped: Path, elsewhere: Run) -> None:
    ran = elsewhere(main, "run", "nosuch.yaml", path=str(zipped))
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: nosuch.yaml: the recipe cannot be read")


def test_without_the_packages_it_says_how_to_give_them(main: str, elsewhere: Run) -> None:
    ran = elsewhere(main, "--version")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: the packages of Sluice are not on Python's path. Give them with --py-files")


def test_its_folder_hides_no_module_of_a_jobs_name(zipped: Path, elsewhere: Run, tmp_path: Path) -> None:
    """A script's folder comes first on the path: `import pipeline` there would load the pipeline a second time."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pipeline.py").write_text("print('the other one')", encoding="utf-8")
    code = f"import runpy, sys; sys.path.insert(0, {str(ROOT / 'jobs')!r}); sys.argv = ['main.py', '--version']; " + (
        f"runpy.run_path({str(ROOT / 'jobs' / 'main.py')!r}, run_name='__main__'); import pipeline"
    )
    ran = elsewhere("-c", code, path=f"{zipped}:{tmp_path / 'other'}")
    assert ran.stdout.endswith("the other one\n"), ran.stderr


def test_names_that_are_shown_are_those_of_this_version(wheel: Path, zipped: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"dist/{wheel.name}" in readme and f"dist/{zipped.name}" in readme
    assert f"dist/{zipped.name}" in (ROOT / "jobs" / "main.py").read_text(encoding="utf-8")


def test_readme_shows_a_command_with_all_that_a_session_needs() -> None:
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```bash\n")[1:]
    (words,) = [shlex.split(block.split("```")[0]) for block in blocks if block.startswith("spark-submit")]
    assert words[words.index("--packages") + 1] == DELTA
    assert {f"{key}={LOCAL_CONF[key]}" for key in DELTA_SQL} <= set(words)
    main = words.index("jobs/main.py")
    command: Any = typer.main.get_command(app)
    assert command.commands[words[main + 1]].make_context("run", words[main + 2 :]).params["recipes"]


def test_success_is_no_exception(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Platforms that call the entry point take any SystemExit for a failure."""
    from jobs.main import main

    monkeypatch.setattr("sys.argv", ["sluice", "--version"])
    main()
    assert capsys.readouterr().out.startswith("sluice ")
    monkeypatch.setattr("sys.argv", ["sluice", "run", "nosuch.yaml"])
    with pytest.raises(SystemExit, match="2"):
        main()
