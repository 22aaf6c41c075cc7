"""Files of the driver where a cluster finds them: copied once, by digest; on one machine not at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from jobs.runtime import staging
from jobs.runtime.errors import ConfigError
from jobs.runtime.staging import staged, staged_files, works_on_one_machine
from udfs.local_copy import local_copy
from udfs.open_source import open_source

# printf 'a model' | sha256sum | cut -c1-16
DATA, DIGEST = b"a model", "97ff8a35544dcf40"


def session(master: str | None) -> Any:
    """What staging asks of a session."""
    return SimpleNamespace(conf=SimpleNamespace(get=lambda _, default: default if master is None else master))


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A file of the driver."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "model.ftz").write_bytes(DATA)
    return str(tmp_path / "cache" / "model.ftz")


@pytest.mark.parametrize(
    ("master", "one"),
    [
        ("local", True),
        ("local[2]", True),
        ("local[*, 4]", True),
        ("local-cluster[2,1,1024]", False),
        ("yarn", False),
        ("spark://host:7077", False),
        (None, False),
    ],
)
def test_on_one_machine_nothing_is_copied(master: str | None, one: bool, model: str, tmp_path: Path) -> None:
    assert works_on_one_machine(session(master)) is one
    found = staged(session(master), model, str(tmp_path / "lake"))
    assert (found == model) is one
    assert (tmp_path / "lake").exists() is not one


def test_a_copy_is_named_by_its_digest_and_made_once(model: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: staged(session("yarn"), model, str(tmp_path / "lake") + "/"), range(8)))
    (copy,) = found
    assert copy == f"{tmp_path}/lake/_assets/{DIGEST}/model.ftz"
    assert Path(copy).read_bytes() == DATA
    assert [path.name for path in (tmp_path / "lake").rglob("*") if path.is_file()] == ["model.ftz"]
    made = Path(copy).stat().st_mtime_ns
    assert staged(session("yarn"), model, str(tmp_path / "lake")) == copy
    assert Path(copy).stat().st_mtime_ns == made


def test_a_recipe_may_name_the_place(model: str, tmp_path: Path) -> None:
    place = str(tmp_path / "volume")
    assert staged(session("yarn"), model, "s3://lake", place) == f"{place}/{DIGEST}/model.ftz"


def test_only_assets_are_copied(model: str, tmp_path: Path) -> None:
    files = [("reviews", "asset:one/two", model, 7, 0), ("faq", "raw/faq.csv", "/data/raw/faq.csv", 8, 1)]
    asset, faq = staged_files(session("yarn"), files, str(tmp_path / "lake"))
    assert asset == ("reviews", "asset:one/two", f"{tmp_path}/lake/_assets/{DIGEST}/model.ftz", 7, 0)
    assert faq == files[1]


def test_a_place_that_takes_nothing_is_named(model: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"file/lake/_assets cannot take model\.ftz.*by `assets`"):
        staged(session("yarn"), model, str(tmp_path / "file" / "lake"))
    with pytest.raises(ConfigError, match=r"nosuch://host/_assets cannot take model\.ftz"):
        staged(session("yarn"), model, "nosuch://host")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An object store with the bucket `lake`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the store, which this process uses too."""
    for name, value in {
        "ENDPOINT_URL": server,
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    client.create_bucket(Bucket="lakes")
    return client


def test_a_store_holds_the_copy_and_executors_open_it(
    store: Any, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = staged(session("yarn"), model, "s3a://lakes/support")
    assert uri == f"s3a://lakes/support/_assets/{DIGEST}/model.ftz"
    first = store.head_object(Bucket="lakes", Key=uri.partition("lakes/")[2])["LastModified"]
    assert staged(session("yarn"), model, "s3a://lakes/support") == uri
    assert store.head_object(Bucket="lakes", Key=uri.partition("lakes/")[2])["LastModified"] == first
    with open_source(uri) as stream:
        assert stream.read() == DATA
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with ThreadPoolExecutor(4) as pool:
        (copy,) = set(pool.map(lambda _: local_copy(uri), range(8)))
    assert Path(copy).name == "model.ftz" and Path(copy).read_bytes() == DATA
    store.delete_object(Bucket="lakes", Key=uri.partition("lakes/")[2])
    assert local_copy(uri) == copy, "what is here is not fetched again"


def test_a_copy_that_broke_off_is_written_again(store: Any, model: str) -> None:
    key = f"broken/_assets/{DIGEST}/model.ftz"
    store.put_object(Bucket="lakes", Key=key, Body=b"a mo")
    staged(session("yarn"), model, "s3://lakes/broken")
    assert store.get_object(Bucket="lakes", Key=key)["Body"].read() == DATA


def test_a_path_is_its_own_copy() -> None:
    assert local_copy("/models/lid.ftz") == "/models/lid.ftz"
    assert staging.FOLDER.startswith("_"), "hidden from sources that list the lake's folder"
