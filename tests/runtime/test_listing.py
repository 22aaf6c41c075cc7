"""What a source's path finds: files, folders, globs, packages; and what it says when it finds nothing."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.runtime.errors import ConfigError
from jobs.runtime.listed import Listed
from jobs.runtime.listing import list_files, list_source
from jobs.runtime.source import Source


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("raw/a.txt", "raw/b[1].txt", "raw/.hidden", "raw/_SUCCESS", "raw/deep/c.txt", "raw/_temporary/d.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
        os.utime(name, ns=(0, 5_000_000))
    Path("raw/folder.txt").mkdir()
    Path("empty").mkdir()
    return tmp_path


def source(path: str, **other: Any) -> Source:
    return Source.model_validate({"name": "s", "path": path, "format": "text"} | other)


def test_python_files_are_named_as_an_import_names_them(folder: Path) -> None:
    """By their place below the source's folder: where that lies says nothing of the module."""
    shop = ("test/src/shop/__init__.py", "test/src/shop/_cart.py", "test/src/shop/notes.txt")
    for name in (*shop, "test/src/.env/tool.py", "test/src/shop/.cart.py", "one.py"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
    for path in ("test/src", str(folder / "test" / "src")):
        found = list_source(source(path, format="python"))
        assert [file.path for file in found] == ["shop/__init__.py", "shop/_cart.py"]
        assert [file.uri for file in found] == [f"{folder}/test/src/{file.path}" for file in found]
    assert [file.path for file in list_source(source("one.py", format="python"))] == ["one.py"]
    # Inside a package its name is part of the module's, from wherever the path begins.
    for path in ("test/src/shop", "test/src/shop/*.py", "test/src/**/*.py"):
        found = list_source(source(path, format="python"))
        assert [file.path for file in found] == ["shop/__init__.py", "shop/_cart.py"]
    [cart] = list_source(source(f"{folder}/test/src/shop/_cart.py", format="python"))
    assert cart.path == "shop/_cart.py"
    for path in ("raw", "test/*.py", "absent"):
        with pytest.raises(ConfigError, match=r"holds no \.py files. Expected package:NAME, a \.py file or a folder"):
            list_source(source(path, format="python"))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("raw/a.txt", ["raw/a.txt"]),
        ("raw", ["raw/a.txt", "raw/b[1].txt", "raw/deep/c.txt"]),
        ("raw/*", ["raw/_SUCCESS", "raw/a.txt", "raw/b[1].txt"]),
        ("raw/**/c*", ["raw/deep/c.txt"]),
        ("raw/b[1].txt", ["raw/b[1].txt"]),
        # A folder where a file is meant is listed, so that reading it says so.
        ("raw/*.txt", ["raw/a.txt", "raw/b[1].txt", "raw/folder.txt"]),
    ],
)
def test_a_path_finds(path: str, found: list[str]) -> None:
    assert [file.path for file in list_source(source(path))] == found


def test_a_file_is_known_by_the_path_as_written_size_and_time(folder: Path) -> None:
    assert list_source(source("raw/a.txt")) == [Listed("raw/a.txt", str(folder / "raw/a.txt"), 9, 5)]
    uri = f"file://{folder}/raw/a.txt"
    assert list_source(source(uri)) == [Listed(f"{folder}/raw/a.txt", str(folder / "raw/a.txt"), 9, 5)]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.txt", r"source s: absent\.txt does not exist \(looked in .*\)\. Mend `path`\."),
        ("empty", r"source s: empty holds no files\. Expected at least one text file\."),
        ("raw/*.csv", r"source s: raw/\*\.csv holds no files"),
        ("package:json", "source s: package:json holds Python files; set format: python"),
        ("asset:no_such/member", "unknown asset: 'no_such'"),
        ("nosuch://host/a", "source s: nosuch://host/a cannot be listed: "),
    ],
)
def test_a_path_that_finds_nothing(path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        list_source(source(path))
    assert refused.value.exit_code == 2


def test_a_package_has_logical_paths() -> None:
    files = list_source(source("package:json", format="python"))
    assert [file.path for file in files][:2] == ["package:json/__init__.py", "package:json/decoder.py"]
    assert all(os.path.isabs(file.uri) and file.modified_ms > 0 for file in files)
    with pytest.raises(ConfigError, match="source s: no package 'jsn' is installed here: did you mean"):
        list_source(source("package:jsn", format="python"))


@pytest.fixture
def locked(folder: Path) -> Iterator[Path]:
    """A folder that this process may not list; root becomes someone else for a while."""
    shut = folder / "raw" / "shut"
    shut.mkdir()
    (shut / "e.txt").write_text("e")
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.geteuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o055)
        if place.name.startswith("pytest-of"):
            break
    shut.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield shut
    os.seteuid(user)
    shut.chmod(0o755)


@pytest.mark.parametrize("path", ["raw", "raw/**/*.txt", "raw/*/*.txt", "raw/shut/*", "raw/shut", "raw/shut/e.txt"])
def test_what_may_not_be_read_is_not_passed_by(locked: Path, path: str) -> None:
    """Its records would seem to have vanished."""
    message = r"source s: raw.* cannot be read: .*[Pp]ermission.*raw/shut/?\. Mend `path`, or the rights there\."
    with pytest.raises(ConfigError, match=message):
        list_source(source(path))


def test_links_to_folders_are_followed_but_not_in_circles(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "f.txt").write_text("f")
    os.symlink(folder / "elsewhere", "raw/link")
    os.symlink(folder / "raw", "raw/deep/again")
    assert [file.path for file in list_source(source("raw"))] == [
        "raw/a.txt",
        "raw/b[1].txt",
        "raw/deep/c.txt",
        "raw/link/f.txt",
    ]


def test_a_source_that_holds_the_lake_is_refused(folder: Path) -> None:
    message = r"source s: \. holds the lake lake\. Mend `path` or `tables`: one beside the other\."
    with pytest.raises(ConfigError, match=message):
        list_files([source(".")], "lake")
    Path("lake").mkdir()
    Path("lake/part.txt").write_text("x")
    with pytest.raises(ConfigError, match="holds the lake lake"):
        list_files([source("**/*.txt")], "lake")
    with pytest.raises(ConfigError, match="holds the lake raw"):
        list_files([source("raw")], "raw")
    Path("one.py").touch()
    for fine in (source("raw"), source(".", format="python")):
        assert list_files([fine], "lake")
    for place in ("s3://there/raw", ".lake", "_lake", "raw/.lake"):
        assert list_files([source(".")], place)


def test_a_link_into_the_lake_is_a_file_of_it(folder: Path) -> None:
    Path("lake").mkdir()
    Path("lake/part.txt").write_text("x")
    os.symlink(folder / "lake" / "part.txt", "raw/part.txt")
    with pytest.raises(ConfigError, match="raw holds the lake lake"):
        list_files([source("raw")], "lake")
    os.symlink(folder / "lake", "again")
    for path in ("again", "again/part.txt", f"file://{folder}/again/*.txt"):
        with pytest.raises(ConfigError, match="holds the lake"):
            list_files([source(path)], "lake")


def test_parquet_has_folders_that_are_columns_and_no_files_of_a_table(folder: Path) -> None:
    for name in ("part/_lang=zh/a=1/x.parquet", "part/_temporary/y.parquet", "part/.a=1/z.parquet"):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text("x")
    parquet = {"format": "parquet", "fields": {"text": "t"}}
    assert [file.path for file in list_source(source("part", **parquet))] == ["part/_lang=zh/a=1/x.parquet"]
    with pytest.raises(ConfigError, match="part holds no files"):
        list_source(source("part"))
    Path("part/_delta_log").mkdir()
    message = (
        r"source s: .*/part is a Delta table, some of its files may hold rows that were deleted\. Set format: delta"
    )
    for path in ("part", "part/*/*/*.parquet", "part/_lang=zh/a=1/x.parquet"):
        with pytest.raises(ConfigError, match=message):
            list_source(source(path, **parquet))


def test_a_table_needs_a_session(folder: Path) -> None:
    with pytest.raises(ConfigError, match="source s: raw is a table: only a Spark session sees it"):
        list_files([source("raw", format="delta", fields={"text": "t"})])


def test_a_folder_may_be_passed_through_without_being_listed(locked: Path) -> None:
    """As a shared machine's /home."""
    user = os.geteuid()
    os.seteuid(os.getuid())
    locked.chmod(0o711)
    (locked / "deep").mkdir(mode=0o755)
    (locked / "deep" / "g.txt").write_text("g")
    os.seteuid(user)
    assert [file.path for file in list_source(source("raw/shut/deep/*.txt"))] == ["raw/shut/deep/g.txt"]
    with pytest.raises(ConfigError, match="permission"):
        list_source(source("raw/shut/*/g.txt"))


def test_home_and_uris_are_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert [file.uri for file in list_source(source("~/raw/a.txt"))] == [f"{folder}/raw/a.txt"]
    for path in ("raw/%61.txt", "raw/?.txt"):
        assert [file.uri for file in list_source(source(f"file://{folder}/{path}"))] == [f"{folder}/raw/a.txt"]


def test_a_link_to_nowhere_and_a_name_that_is_no_text(folder: Path) -> None:
    os.symlink("nowhere", "raw/link.txt")
    message = r"source s: raw/link\.txt cannot be read: No such file or directory\. Mend or remove it, or mend `path`\."
    with pytest.raises(ConfigError, match=message):
        list_source(source("raw/*.txt"))
    Path("raw/link.txt").unlink()
    Path(os.fsdecode(b"raw/caf\xe9.txt")).write_text("x")
    with pytest.raises(ConfigError, match=r"source s: file name 'raw/caf\\udce9\.txt' is not UTF-8"):
        list_source(source("raw"))
