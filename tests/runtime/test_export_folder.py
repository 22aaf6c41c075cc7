"""The folder of an export: whose it is after a kill at any place, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.runtime.errors import ConfigError, SluiceError
from jobs.runtime.export_folder import Folder, open_folder

IDENTITY = {"dataset": "d", "dataset_version": 1, "format": "text", "compress": "none", "shard_rows": 9}
SHARD = "data/train-00000-of-00001.jsonl"
DOCUMENT: dict[str, Any] = {"export": IDENTITY, "files": [{"path": SHARD, "bytes": 2}]}


def files_in(folder: Path) -> set[str]:
    """Every file by its path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def finish(place: Folder) -> None:
    """Write an export of one small shard."""
    place.begin(IDENTITY)
    place.put(SHARD, b"{}")
    place.commit(DOCUMENT, b"# d\n")


def test_a_finished_export_is_known_again(tmp_path: Path) -> None:
    place = open_folder(str(tmp_path / "new" / "deep"), "local[2]")
    assert place.finished(IDENTITY) is None
    finish(place)
    assert files_in(tmp_path / "new" / "deep") == {"README.md", "manifest.json", SHARD}
    assert place.finished(IDENTITY) == DOCUMENT
    with pytest.raises(ConfigError, match=r"holds another export: d version 1 as text, compress none, 9 rows a shard"):
        place.finished(IDENTITY | {"format": "chat"})
    (tmp_path / "new" / "deep" / SHARD).write_bytes(b"{")
    with pytest.raises(ConfigError, match=r"is damaged: data/train-.* is not as manifest\.json says"):
        place.finished(IDENTITY)


def test_a_killed_export_begins_anew(tmp_path: Path) -> None:
    """Each state is what a run leaves that ends at that step."""
    place = open_folder(str(tmp_path), "local")
    (tmp_path / "_unfinished.json.partial-7").write_bytes(b"{")
    assert place.finished(IDENTITY) is None
    place.begin(IDENTITY)
    assert place.finished(IDENTITY) is None
    for left in (f"{SHARD}.partial-7", SHARD, "README.md", "manifest.json.partial-7"):
        (tmp_path / left).write_bytes(b"{")
        assert place.finished(IDENTITY) is None
    with pytest.raises(ConfigError, match="holds another export"):
        place.finished(IDENTITY | {"dataset_version": 2})
    place.begin(IDENTITY)
    assert files_in(tmp_path) == {"_unfinished.json"}
    finish(place)
    place.put("_unfinished.json", json.dumps({"export": IDENTITY}).encode())
    assert place.finished(IDENTITY) == DOCUMENT


def test_what_tasks_left_twice_is_removed_and_what_is_missing_is_told(tmp_path: Path) -> None:
    place = open_folder(str(tmp_path), "local")
    place.begin(IDENTITY)
    with pytest.raises(SluiceError, match=r"data/train-00000-of-00001\.jsonl is not there as it was written"):
        place.commit(DOCUMENT, b"")
    assert files_in(tmp_path) == {"_unfinished.json"}
    place.put(f"{SHARD}.partial-7", b"{")
    place.put(SHARD, b"{}")
    place.commit(DOCUMENT, b"# d\n")
    assert files_in(tmp_path) == {"README.md", "manifest.json", SHARD}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("mine.txt", "x", r"is not empty: it holds mine\.txt"),
        ("deep/mine.txt", "x", r"is not empty: it holds deep"),
        ("data/mine.txt", "x", r"is not empty: it holds data/mine\.txt"),
        ("README.md", "x", r"is not empty: it holds README\.md"),
        (SHARD, "x", "is not empty: it holds data/train-"),
        ("manifest.json", "{}", "holds another export: of another tool"),
        ("manifest.json", "x", r"its manifest\.json is none of ours"),
        ("manifest.json", "[]", r"its manifest\.json is none of ours"),
    ],
)
def test_what_is_not_ours_is_left_alone(name: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        open_folder(str(tmp_path), "local").finished(IDENTITY)
    assert (tmp_path / name).read_text(encoding="utf-8") == content


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="is a file, expected a folder"):
        open_folder(str(tmp_path / "file"), "local")
    with pytest.raises(ConfigError, match="nosuch://x cannot be used"):
        open_folder("nosuch://x", "local")
    with pytest.raises(ConfigError, match=r"is a relative path, and the master yarn works on several machines"):
        open_folder("exported", "yarn")
    assert open_folder(str(tmp_path), "yarn").root == str(tmp_path)


def test_a_store_of_fsspec() -> None:
    place = open_folder("memory://shelf/export", "yarn")
    assert place.finished(IDENTITY) is None
    finish(place)
    assert place.finished(IDENTITY) == DOCUMENT
    assert set(place.files()) == {"README.md", "manifest.json", SHARD}
