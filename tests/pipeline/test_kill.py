"""Kill the real command, run it again: the same tables as an undisturbed run, nothing doubled, no waiting.

A kill point is a job and a phase: `running` once the job before it has said its line, `data` when as many whole data
files as the undisturbed run wrote lie in its table and no log entry names them. The driver and its JVM are stopped at
the point, so that nothing can go on while the tree is listed; then the whole tree gets SIGKILL, Python workers too.
"""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.pipeline import PIPELINE

SECTIONS: dict[str, Any] = {
    "dataset": "intents",
    "sources": [{"name": "bank", "path": "raw", "format": "json", "fields": {"text": "text", "label": "label"}}],
}
CI_POINTS = (
    ("ingest_records", "raw_records", "running"),
    ("clean_text", "clean_records", "data"),
    ("match_duplicates", "duplicate_matches", "running"),
    ("assign_splits", "splits", "data"),
    ("write_dataset", "dataset_examples", "running"),
)
ALL_POINTS = (
    *CI_POINTS,
    ("list_files", "source_files", "data"),
    ("collect_documents", "documents", "data"),
    ("hash_shingles", "signatures", "data"),
    ("select_examples", "selections", "data"),
    ("write_dataset", "dataset_examples", "data"),
    ("publish_dataset", "dataset_versions", "running"),
)
SECONDS = 600


@pytest.fixture
def pair(project: Any, intents: list[dict[str, str]], parts_writer: Any) -> tuple[Any, Any]:
    """Two projects with the same input of more than 5,000 rows."""
    made = project("calm"), project("killed")
    for one in made:
        one.write_recipe(**SECTIONS)
        parts_writer(intents[-6_000:], one.folder / "raw", 4, packed=True)
    return made


def test_five_killed_jobs_leave_the_same_tables(pair: tuple[Any, Any], contents: Any, stop_all: list[Any]) -> None:
    kill_and_compare(pair, CI_POINTS, contents, stop_all)


@pytest.mark.by_hand
def test_eleven_killed_jobs_leave_the_same_tables(pair: tuple[Any, Any], contents: Any, stop_all: list[Any]) -> None:
    kill_and_compare(pair, ALL_POINTS, contents, stop_all)


@pytest.mark.by_hand
def test_ctrl_c_ends_a_run_with_one_clear_line(pair: tuple[Any, Any], stop_all: list[Any]) -> None:
    """A terminal sends it to the whole group: to the driver, its JVM and the Python workers."""
    _, project = pair
    process = project.start()
    stop_all.append(process)
    said = lines_of(process)
    while process.poll() is None and not runs("clean_text", said):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 1
    time.sleep(1)  # for the thread that reads
    assert said[-1] == "error: stopped; what is written stays, run again to go on\n"
    assert not any("Traceback" in line for line in said)
    assert "is writing this lake" not in project.run()


def kill_and_compare(
    pair: tuple[Any, Any], points: tuple[tuple[str, str, str], ...], contents: Any, stop_all: list[Any]
) -> None:
    calm, killed = pair
    calm.run()
    hits = []
    for job, table, phase in in_pipeline_order(points):
        wanted = len(committed_files(calm.lake / table))
        hit = kill_at(killed, job, table, phase, wanted, stop_all)
        print(f"killed {job}: {'between data files and commit' if hit == 'data' else hit}")
        hits.append(hit)
    assert "missed" not in hits, hits
    assert "data" in hits, "no kill fell between data files and commit"
    said = killed.run()
    assert "is writing this lake" not in said
    expected, found = contents(calm.lake), contents(killed.lake)
    assert found.rows == expected.rows
    assert found.digests == expected.digests
    assert found.content_digest == expected.content_digest is not None


def in_pipeline_order(points: tuple[tuple[str, str, str], ...]) -> list[tuple[str, str, str]]:
    names = [job.name for job in PIPELINE]
    return sorted(points, key=lambda point: (names.index(point[0]), point[2] == "data"))


def kill_at(project: Any, job: str, table: str, phase: str, wanted: int, stop_all: list[Any]) -> str:
    """Start the command, kill its tree at the point; returns the phase that was hit, or that it was missed.

    wanted: whole data files that lie there when the write is over."""
    folder = project.lake / table
    left = data_without_commit(folder)  # by the kill before
    process = project.start()
    stop_all.append(process)
    said = lines_of(process)

    def reached() -> bool:
        return runs(job, said) if phase == "running" else len(data_without_commit(folder) - left) >= wanted > 0

    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        if reached():
            os.killpg(process.pid, signal.SIGSTOP)
            hit = reached()
            kill_tree(process.pid)
            process.wait()
            return phase if hit and reached() else "missed"
        time.sleep(0.002)
    kill_tree(process.pid)
    return "missed"


def lines_of(process: "subprocess.Popen[str]") -> list[str]:
    """What the process prints, growing while it does."""
    lines: list[str] = []
    assert process.stdout is not None
    threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True).start()
    return lines


def runs(job: str, said: list[str]) -> bool:
    """The job before it has said its line, and the job has not."""
    done = {line.split()[0] for line in list(said) if line.startswith("  ")}
    names = [one.name for one in PIPELINE]
    return job not in done and names[names.index(job) - 1] in done


def kill_tree(pid: int) -> None:
    """SIGKILL to a process and everything it started."""
    try:
        root = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    tree = [root, *root.children(recursive=True)]
    for process in tree:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(tree, timeout=20)


def data_without_commit(folder: Path) -> set[str]:
    """Whole data files that no log entry names."""
    names = {str(name.relative_to(folder)) for name in folder.rglob("part-*.parquet") if is_whole(name)}
    return names - committed_files(folder)


def is_whole(file: Path) -> bool:
    """Whether the writer has closed the Parquet file: it begins and ends with the format's four letters."""
    try:
        with file.open("rb") as data:
            if data.read(4) != b"PAR1" or os.fstat(data.fileno()).st_size < 12:
                return False
            data.seek(-4, os.SEEK_END)
            return data.read(4) == b"PAR1"
    except OSError:
        return False


def committed_files(folder: Path) -> set[str]:
    named = set()
    for name in (folder / "_delta_log").glob("*.json"):
        try:
            for line in name.read_text().splitlines():
                added = json.loads(line).get("add")
                named |= {added["path"]} if added else set()
        except (OSError, ValueError):
            continue
    return named


def test_the_watch_tells_data_files_from_committed_ones(tmp_path: Path) -> None:
    log = tmp_path / "_delta_log"
    log.mkdir()
    (log / f"{0:020}.json").write_text('{"protocol": {}}\n')
    assert not data_without_commit(tmp_path)
    (tmp_path / "part-0.parquet").touch()
    assert not data_without_commit(tmp_path), "opened, not written"
    (tmp_path / "part-0.parquet").write_bytes(b"PAR1" + bytes(8))
    assert not data_without_commit(tmp_path), "not closed"
    (tmp_path / "part-0.parquet").write_bytes(b"PAR1" + bytes(8) + b"PAR1")
    assert data_without_commit(tmp_path) == {"part-0.parquet"}
    (log / f"{1:020}.json").write_text('{"add": {"path": "part-0.parquet"}}\n')
    assert not data_without_commit(tmp_path)


def test_the_watch_tells_which_job_runs() -> None:
    said = ["intents (recipe.yaml)\n", "  list_files  4 new  2.1 s\n", "  ingest_records  9 in\n"]
    assert [runs(job, said) for job in ("ingest_records", "clean_text", "collect_documents")] == [False, True, False]
