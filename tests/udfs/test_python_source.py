"""Documented definitions of literal sources, faults as rows, and the files of packages that are never imported."""

import io
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.python_source import Definition, name_module, package_files, read_definitions
from udfs.read_rows import Row, read_rows

SOURCE = b'''"""Solve things."""

import os


def solve(a, /, b: int = 2, *rest, c="x", **more) -> float:
    """Solve it.

        Indented by four.
    """
    def inner():
        """Not public."""


async def fetch(url):
    "Fetch."


def _hidden():
    """Not public."""


def undocumented():
    pass


@decorator
class Solver(Base):
    """Solves."""

    def __init__(self, tol=1e-3, *, rounds=5):
        """Not public."""

    @functools.cached_property
    def result(self):
        """Result."""

    @result.setter
    def result(self, value):
        """Not the first."""

    class Options:
        """Options."""

        def reset(self):
            """Reset."""


class _Private:
    """Not public."""

    def method(self):
        """Not public."""
'''


def definition(line: int, name: str, kind: str, signature: str, text: str, group: str, prompt: str) -> Definition:
    package = name.split(".")[0]
    return Definition(line, name, kind, signature, group, prompt, text, package)


def names(source: str, path: str = "pkg/mod.py") -> list[tuple[int, str, str]]:
    return [(d.line, d.name, d.response) for d in read_definitions(source.encode(), path)]


def rows(source: bytes, path: str = "pkg/mod.py") -> list[Row]:
    return list(read_rows(io.BytesIO(source), "python", path))


def test_every_documented_public_definition_is_a_question() -> None:
    solver = "pkg._mod.Solver"
    assert read_definitions(SOURCE, "pkg/_mod.py") == [
        definition(
            1, "pkg._mod", "module", "pkg._mod", "Solve things.", "pkg._mod",
            "What does the Python module `pkg._mod` provide?"),
        definition(
            6, "pkg._mod.solve", "function", "solve(a, /, b: int=2, *rest, c='x', **more) -> float",
            "Solve it.\n\nIndented by four.", "pkg._mod.solve",
            "What does the function `solve(a, /, b: int=2, *rest, c='x', **more) -> float` of the Python module "
            "`pkg._mod` do?"),
        definition(
            15, "pkg._mod.fetch", "function", "fetch(url)", "Fetch.", "pkg._mod.fetch",
            "What does the function `fetch(url)` of the Python module `pkg._mod` do?"),
        definition(
            28, solver, "class", "Solver(tol=0.001, *, rounds=5)", "Solves.", solver,
            "What is the class `Solver(tol=0.001, *, rounds=5)` of `pkg._mod` for, and how is it used?"),
        definition(
            35, f"{solver}.result", "method", "result", "Result.", solver,
            "What does the attribute `result` of the class `pkg._mod.Solver` hold?"),
        definition(
            42, f"{solver}.Options", "class", "Options", "Options.", solver,
            "What is the class `Options` of `pkg._mod.Solver` for, and how is it used?"),
        definition(
            45, f"{solver}.Options.reset", "method", "reset(self)", "Reset.", solver,
            "How does the method `reset(self)` of the class `pkg._mod.Solver.Options` work?"),
    ]  # fmt: skip


def test_a_row_holds_the_definition_as_json() -> None:
    found = rows(b"x = 1\ndef f(a):\n    'Doc \\x00 \xc3\xa9.'\n")
    payload = (
        '{"name":"pkg.mod.f","kind":"function","signature":"f(a)","group":"pkg.mod.f",'
        '"prompt":"What does the function `f(a)` of the Python module `pkg.mod` do?",'
        '"response":"Doc \\u0000 é.","package":"pkg"}'
    )
    assert found == [Row(2, payload, None, None)]


def test_of_equal_names_the_first_documented_one_counts() -> None:
    source = """
@overload
def f(a: int): ...
if a:
    def f(a):
        'first'
else:
    def f(a):
        'second'
try:
    class C:
        def m(self): 'm of the first'
except E:
    class C:
        'C of the second'
        def m(self): 'm of the second'
with a:
    for b in c:
        match d:
            case 1:
                def g(): 'g'
lambda: 0
"""
    assert names(source) == [
        (5, "pkg.mod.f", "first"),
        (12, "pkg.mod.C.m", "m of the first"),
        (14, "pkg.mod.C", "C of the second"),
        (21, "pkg.mod.g", "g"),
    ]


def test_what_cannot_be_written_out_leaves_the_rest() -> None:
    """A default of 500 terms, one of 5,000 digits, a definition behind 1,200 branches."""
    sums, digits = "1+" * 500 + "1", "0x" + "1" * 5000
    branches = "if a: pass\n" + "elif b: pass\n" * 1200
    source = f"def f(a={sums}):\n 'sums'\ndef g(a={digits}):\n 'digits'\n{branches}def h(a):\n 'h'\n"
    found = read_definitions(source.encode(), "pkg/mod.py")
    assert [(d.response, d.signature) for d in found] == [("sums", "f(...)"), ("digits", "g(...)"), ("h", "h(a)")]


def test_an_attribute_may_be_documented_by_its_setter() -> None:
    [found] = read_definitions(b"class C:\n @x.setter\n def x(self, v): 'The x.'", "pkg/mod.py")
    assert found.prompt == "What does the attribute `x` of the class `pkg.mod.C` hold?"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 has no type parameters to read")
def test_type_parameters_are_part_of_a_signature() -> None:
    [found] = read_definitions(b"def f[T](x: T) -> T: 'Doc.'", "pkg/mod.py")
    assert found.signature == "f[T](x: T) -> T"


def test_blank_docstrings_and_other_strings_document_nothing() -> None:
    assert names("'  '\ndef f():\n    f'{1}'\ndef g():\n    b'bytes'\ndef h():\n    1\n    'late'") == []


def test_a_module_is_named_by_its_path() -> None:
    paths = ("numpy/linalg/_linalg.py", "numpy/linalg/__init__.py", "numpy/__init__.py", "six.py")
    assert [name_module(path) for path in paths] == ["numpy.linalg._linalg", "numpy.linalg", "numpy", "six"]


@pytest.mark.parametrize(
    "path", ["pkg/tests/a.py", "pkg/test/a.py", "pkg/conftest.py", "pkg/examples/a.py", "pkg/_pyinstaller/hook.py"]
)
def test_what_is_about_a_package_is_not_of_it(path: str) -> None:
    assert names("'Doc.'", path) == []
    assert names("'Doc.'", "pkg/testing/a.py") == [(1, "pkg.testing.a", "Doc.")]


LATIN, CP1252 = b"# -*- coding: latin-1 -*-\n'\xe9'", b"#!/bin/python\n# vim: set fileencoding=cp1252 :\n'\xe9'"


@pytest.mark.parametrize("source", [LATIN, CP1252, b"\xef\xbb\xbf'\xc3\xa9'", b"'\\xe9'\r\n"])
def test_the_encoding_cookie_is_honoured(source: bytes) -> None:
    assert [d.response for d in read_definitions(source, "pkg/mod.py")] == ["é"]


@pytest.mark.parametrize(
    ("source", "position", "reason", "detail"),
    [
        (b"x = 1\n'Doc.'\nprint 'x'\n", 3, "bad_python", "Missing parentheses in call to 'print'"),
        (b"if x:\npass", 2, "bad_python", "expected an indented block after 'if' statement on line 1"),
        (b"# coding: klingon\n", 1, "bad_python", "unknown encoding: klingon"),
        (b"# coding: hex\n", 1, "bad_python", "'hex' is not a text encoding"),
        (b"x = 1\0", 1, "bad_python", "source code string cannot contain null bytes"),
        (b"x = " + b"-" * 100_000 + b"1", 1, "bad_python", ""),
        (b"x = " + b"(" * 500 + b"1", 1, "bad_python", "too many nested parentheses"),
        (b"x = " + b"1+" * 30_000 + b"1", 1, "bad_python", ""),
        (b"#!/bin/python\n# Jos\xe9\n", 2, "bad_encoding", "byte 0xe9, expected utf-8"),
        (b"x = 1\n\n'\xe9'\n", 3, "bad_encoding", "byte 0xe9, expected utf-8"),
        (b"# coding: ascii\n'\xe9'", 2, "bad_encoding", "byte 0xe9, expected ascii"),
        (b"\n\ndef f():\n    '\\ud800'", 3, "bad_encoding", "lone surrogate in the docstring"),
    ],
)
def test_a_fault_is_one_row_with_its_line(source: bytes, position: int, reason: str, detail: str) -> None:
    [row] = rows(source)
    assert (row.position, row.payload, row.drop_reason) == (position, None, reason)
    assert row.detail is not None and row.detail.startswith(detail)


def test_warnings_about_the_sources_of_others_stay_away() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names("'\\d'\nx = 1 is 1\n") == [(1, "pkg.mod", "\\d")]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_docstrings_come_back_as_they_were(text: str) -> None:
    clean = " ".join(text.split())
    found = [d.response for d in read_definitions(f"def f():\n    {clean!r}\n".encode(), "pkg/mod.py")]
    assert found == ([clean] if clean else [])


def test_files_of_a_package_are_listed_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sluice_pkg" / "inner").mkdir(parents=True)
    for name in ("sluice_pkg/__init__.py", "sluice_pkg/inner/b.py", "sluice_pkg/a.py", "sluice_single.py"):
        (tmp_path / name).write_text("raise SystemExit\n")
    (tmp_path / "sluice_pkg" / "data.csv").write_text("a\n")
    (tmp_path / "sluice_pkg" / "folder.py").mkdir()
    (tmp_path / "sluice_pkg" / ".#a.py").symlink_to("an editor's lock")
    monkeypatch.syspath_prepend(tmp_path)
    paths = ["sluice_pkg/__init__.py", "sluice_pkg/a.py", "sluice_pkg/inner/b.py"]
    mtimes = [(tmp_path / path).stat().st_mtime_ns for path in paths]
    assert package_files("sluice_pkg") == [
        (path, str(tmp_path / path), 17, mtime) for path, mtime in zip(paths, mtimes, strict=True)
    ]
    assert [path for path, *_ in package_files("sluice_single")] == ["sluice_single.py"]
    assert not {"sluice_pkg", "sluice_single"} & set(sys.modules)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("numpi", "no package 'numpi' is installed here: did you mean 'numpy'?"),
        ("scipy.linalg", "no package 'scipy.linalg' is installed here: did you mean 'scipy'?"),
        ("pyyaml", "no package 'pyyaml' is installed here: did you mean 'yaml'?"),
        ("sys", "package 'sys' has no .py files to read: it is built in or compiled"),
    ],
)
def test_an_unknown_package_names_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        package_files(name)
    assert str(caught.value) == message


def test_a_real_package_gives_its_documented_functions() -> None:
    [entry] = [file for file in package_files("numpy") if file[0] == "numpy/linalg/_linalg.py"]
    found = {d.name: d for d in read_definitions(Path(entry[1]).read_bytes(), entry[0])}
    assert found["numpy.linalg._linalg.solve"].signature == "solve(a, b)"
    assert found["numpy.linalg._linalg.solve"].response.startswith("Solve a linear matrix equation")
