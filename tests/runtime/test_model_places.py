"""Which model a name means, what its files say of it, and what is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs.runtime import model_places
from jobs.runtime.errors import AssetError
from jobs.runtime.model_places import NEEDED, find_model, folder_digest, is_model
from tests.object_store import store  # noqa: F401  # a fixture
from udfs.model_files import model_folder


def folder(path: Path, files: Mapping[str, dict[str, Any]] | None = None, weights: str = "model.safetensors") -> Path:
    path.mkdir(parents=True)
    (path / weights).write_bytes(b"numbers")
    contents = {"config.json": {"architectures": ["BertModel"], "max_position_embeddings": 512}, **(files or {})}
    for name, content in contents.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(json.dumps(content))
    return path


def test_a_folder_says_itself_what_it_is(tmp_path: Path) -> None:
    said: dict[str, dict[str, Any]] = {
        "1_Pooling/config.json": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        "sentence_bert_config.json": {"max_seq_length": 128},
    }
    model = find_model(str(folder(tmp_path / "m", said)), NEEDED)
    assert (model.kind, model.pooling, model.prefix, model.max_tokens, model.dtype) == (
        "encoder",
        "cls",
        "",
        128,
        "float32",
    )
    names = ["1_Pooling/config.json", "config.json", "model.safetensors", "sentence_bert_config.json"]
    assert [file.name for file in model.files] == names
    assert model.files[2].place == str(tmp_path / "m" / "model.safetensors")


def test_a_recipe_may_say_otherwise_and_that_makes_another_model(tmp_path: Path) -> None:
    place = str(folder(tmp_path / "m"))
    plain, asked = find_model(place, NEEDED), find_model(place, NEEDED, prefix="query: ", max_tokens=64, pooling=None)
    assert (asked.prefix, asked.max_tokens, asked.pooling) == ("query: ", 64, "mean")
    assert plain.digest != asked.digest and plain.digest == folder_digest(place)


def test_a_causal_model_is_known_by_its_architecture(tmp_path: Path) -> None:
    place = folder(tmp_path / "m", {"config.json": {"architectures": ["LlamaForCausalLM"]}})
    assert find_model(str(place), NEEDED).kind == "causal"


def test_the_digest_follows_the_files_and_not_their_place(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "a"), folder(tmp_path / "b")
    assert folder_digest(str(one)) == folder_digest(str(two))
    (two / "model.safetensors").write_bytes(b"other numbers")
    assert folder_digest(str(one)) != folder_digest(str(two))


def test_pickles_are_refused_by_name(tmp_path: Path) -> None:
    place = folder(tmp_path / "m", weights="pytorch_model.bin")
    with pytest.raises(AssetError, match=r"\*\.safetensors, found only pytorch_model\.bin, which is a pickle"):
        find_model(str(place), NEEDED)


def test_a_folder_without_weights_and_one_whose_config_is_no_json(tmp_path: Path) -> None:
    place = folder(tmp_path / "m")
    (place / "config.json").write_text("{")
    with pytest.raises(AssetError, match=r"config\.json is not JSON"):
        find_model(str(place), NEEDED)
    bare = folder(tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    with pytest.raises(AssetError, match=r"expected weights in \*\.safetensors, found none"):
        find_model(str(bare), NEEDED)


def test_an_unknown_name_has_the_nearest_one_in_its_error(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"model minilmm: expected one of minilm, use, .*Did you mean minilm\?"):
        find_model("minilmm", NEEDED)
    assert not is_model("minilmm") and is_model("minilm") and is_model("hub:a/b") and is_model(str(tmp_path))


def test_a_pinned_model_is_not_fetched_for_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_places, "resolve_asset", lambda reference: pytest.fail(reference))
    assert len(folder_digest("minilm")) == 64 and folder_digest("minilm") != folder_digest("use")


def test_a_model_of_another_kind_or_without_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder(tmp_path / "m", {"config.json": {"architectures": ["LlamaForCausalLM"]}})
    with pytest.raises(AssetError, match=r"is of the kind causal: expected one of the kind use or encoder"):
        find_model(str(place), ["use", "encoder"])
    monkeypatch.setitem(NEEDED, "causal", ("torch", ("no_such_module",)))
    with pytest.raises(AssetError, match=r"needs no_such_module: pip install 'sluice-sft\[torch\]'"):
        find_model(str(place), NEEDED)


def test_a_model_in_a_store_is_read_once_and_pinned_by_its_bytes(store: Any) -> None:  # noqa: F811
    bucket = store.create_bucket(Bucket="models")
    bucket.put_object(Key="mine/model.safetensors", Body=b"numbers")
    bucket.put_object(Key="mine/config.json", Body=b'{"max_position_embeddings": 99}')
    bucket.put_object(Key="mine/run_me.py", Body=b"1 / 0")
    model = find_model("s3://models/mine", NEEDED)
    assert model.max_tokens == 99
    assert [(file.name, file.place) for file in model.files] == [
        ("config.json", "s3://models/mine/config.json"),
        ("model.safetensors", "s3://models/mine/model.safetensors"),
    ]
    assert (model_folder(model) / "model.safetensors").read_bytes() == b"numbers"
    bucket.put_object(Key="mine/model.safetensors", Body=b"others")
    assert find_model("s3://models/mine", NEEDED).digest != model.digest
    with pytest.raises(AssetError, match=r"model s3://models/none cannot be read: .* Check the path"):
        find_model("s3://models/none", NEEDED)
