"""An export into an object store, with a server of its own."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from jobs.runtime.errors import ConfigError
from jobs.runtime.export_folder import open_folder
from tests.exported import example, export_rows

ROWS = [example(str(n)) for n in range(5)]


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The query of a URI that leads to the server, where the bucket `shelf` is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        query = f"endpoint_override=http://{host}:{port}&scheme=http&region=us-east-1"
        fs.FileSystem.from_uri(f"s3://x?{query}&allow_bucket_creation=true")[0].create_dir("shelf")
        yield query
    server.stop()


@pytest.mark.parametrize("form", ["text", "parquet"])
def test_a_store_holds_what_a_folder_holds(form: str, bucket: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    local = tmp_path_factory.mktemp("local")
    manifest = export_rows(ROWS, form, local, "zstd")
    where = f"s3a://shelf/{form}/export?{bucket}"
    assert export_rows(ROWS, form, where, "zstd") == manifest
    place = open_folder(where, "yarn")
    assert set(place.files()) == {"README.md", "manifest.json", *(one["path"] for one in manifest["files"])}
    for name in place.files():
        with place.filesystem.open_input_stream(f"{place.root}/{name}", compression=None) as stream:
            assert stream.read() == (local / name).read_bytes()
    assert place.finished(manifest["export"]) == manifest


def test_what_is_not_ours_and_what_is_not_there(bucket: str) -> None:
    place = open_folder(f"s3://shelf/other?{bucket}", "yarn")
    assert place.finished({}) is None
    place.put("mine.txt", b"x")
    with pytest.raises(ConfigError, match=r"is not empty: it holds mine\.txt"):
        place.finished({})


def test_secrets_are_not_shown() -> None:
    with pytest.raises(ConfigError) as told:
        open_folder("nosuch://me:hush@shelf/x", "yarn")
    assert "hush" not in str(told.value) and "no file system is known for nosuch://" in str(told.value)
