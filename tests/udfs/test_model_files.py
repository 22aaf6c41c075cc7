"""The folder of a model on this machine: as it lies, or copied once by whoever comes first, and held to its digests."""

import hashlib
import multiprocessing
import tempfile
from pathlib import Path
from unittest.mock import Mock, patch

import pytest

from udfs import model_files
from udfs.model_files import Model, ModelFile, ModelFilesError, model_folder


@pytest.fixture(autouse=True)
def own_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "copies"))
    (tmp_path / "copies").mkdir()


def model(*files: ModelFile, digest: str = "0" * 64) -> Model:
    return Model("small", digest, "encoder", files)


def written(path: Path, text: str, name: str = "") -> ModelFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return ModelFile(name or path.name, str(path), hashlib.sha256(text.encode()).hexdigest())


def test_a_folder_that_has_all_files_by_name_is_taken_as_it_is(tmp_path: Path) -> None:
    files = [written(tmp_path / "m" / name, name) for name in ("config.json", "model.safetensors")]
    assert model_folder(model(*files)) == tmp_path / "m"


def test_files_of_other_names_and_places_come_together_in_a_copy(tmp_path: Path) -> None:
    files = (
        written(tmp_path / "a" / "config-12ab.json", "{}", "config.json"),
        written(tmp_path / "b" / "pooling-77.json", "[]", "1_Pooling/config.json"),
    )
    folder = model_folder(model(*files))
    assert {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.json")} == {
        "config.json": "{}",
        "1_Pooling/config.json": "[]",
    }
    for file in files:
        Path(file.place).unlink()
    assert model_folder(model(*files)) == folder, "what was copied once is never fetched again"


def test_a_store_gives_the_files_by_their_uris(tmp_path: Path) -> None:
    file = written(tmp_path / "store" / "model.safetensors", "weights")
    in_store = ModelFile(file.name, f"file://{file.place}", file.sha256)
    assert (model_folder(model(in_store)) / "model.safetensors").read_text() == "weights"


def test_a_copy_of_another_digest_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "a" / "x.json", "{}", "config.json")
    wrong = ModelFile(file.name, file.place, "f" * 64)
    with pytest.raises(ModelFilesError, match=r"config\.json of small: expected sha256 fff.*, found "):
        model_folder(model(wrong))
    left = [path.name for path in (tmp_path / "copies").rglob("*") if path.is_file()]
    assert [name for name in left if not name.endswith(".lock")] == []


def _copy(arguments: tuple[str, Model]) -> tuple[str, int]:
    """In a process of its own: count how many files it fetched."""
    tempfile.tempdir, one = arguments
    fetch = Mock(side_effect=model_files._fetch)
    with patch.object(model_files, "_fetch", fetch):
        return str(model_folder(one)), fetch.call_count


def test_processes_that_come_at_once_copy_once(tmp_path: Path) -> None:
    one = model(written(tmp_path / "a" / "big.bin", "x" * 5_000_000, "model.safetensors"))
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_copy, [(str(tmp_path / "copies"), one)] * 4)
    assert len({folder for folder, _ in found}) == 1 and sum(count for _, count in found) == 1
