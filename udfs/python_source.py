"""Read the documentation of Python packages as questions and answers, by `ast`: nothing is ever imported.

One Definition is one documented public module, class, function or method:
Definition(line=300, name="numpy.linalg._linalg.solve", kind="function", signature="solve(a, b)",
    group="numpy.linalg._linalg.solve", prompt="What does ...", response="Solve a linear matrix equation, ...",
    package="numpy")
"""

import ast
import difflib
import importlib.metadata
import importlib.util
import io
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

# Folders and modules about a package rather than of it: its tests, examples and build steps.
# `testing` is not among them: numpy.testing, pandas.testing and pyspark.testing are documented for users.
SKIPPED: Final = frozenset({"tests", "test", "conftest", "_pyinstaller", "examples", "benchmarks", "setup"})
# One question for each kind, and one for the methods that are read like attributes.
PROMPTS: Final = {
    "module": "What does the Python module `{name}` provide?",
    "class": "What is the class `{signature}` of `{scope}` for, and how is it used?",
    "function": "What does the function `{signature}` of the Python module `{scope}` do?",
    "method": "How does the method `{signature}` of the class `{scope}` work?",
    "property": "What does the attribute `{signature}` of the class `{scope}` hold?",
}
PROPERTIES: Final = ("property", "cached_property", "cache_readonly", "setter", "deleter")

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Def = ast.ClassDef | _Function


@dataclass(frozen=True)
class Definition:
    """One documented definition.

    line: of its `def` or `class`, 1 for a module.  name: qualified.  kind: module, class, function or method.
    group: the outermost class with all in it, the function or the module; the unit that a split keeps together.
    response: the docstring, under the name that a chat recipe reads.  package: first part of the name.
    """

    line: int
    name: str
    kind: str
    signature: str
    group: str
    prompt: str
    response: str
    package: str


def read_definitions(source: bytes, path: str) -> list[Definition]:
    """Return the documented public definitions of one file in file order; of equal names the first documented one.

    path: logical, from the package folder on ("numpy/linalg/_linalg.py").  Public is every module outside the
    SKIPPED folders, whatever its name, because packages re-export from private modules; and each class, function
    or method in it whose own names begin without underscore.  What is inside a function is not public.
    Raises UnicodeDecodeError, and SyntaxError for all else that keeps the file from being parsed.
    """
    module = name_module(path)
    if not SKIPPED.isdisjoint(module.split(".")):
        return []
    try:
        tree = _parse(source)
        found: dict[str, Definition] = {}
        for definition in _describe_module(tree, module):
            found.setdefault(definition.name, definition)
        return list(found.values())
    except (SyntaxError, UnicodeDecodeError):
        raise
    except (ValueError, LookupError) as error:  # NUL characters; a cookie that names no text encoding
        raise SyntaxError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise SyntaxError("nested too deeply") from error


def name_module(path: str) -> str:
    """Return the dotted name of the module in a logical path: "numpy/linalg/__init__.py" is numpy.linalg."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _parse(source: bytes) -> ast.Module:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    except SyntaxError:
        source.decode("utf-8")  # says which byte is wrong, where it is one of the first lines
        raise
    text = source.decode(encoding)
    with warnings.catch_warnings():
        # Escapes such as "\d" in the docstrings of others are no concern of whoever runs this.
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _describe_module(tree: ast.Module, module: str) -> Iterator[Definition]:
    if docstring := ast.get_docstring(tree):
        yield _define(1, module, "module", module, docstring, group=module)
    for node in _find_definitions(tree):
        yield from _describe(node, module, group=None)


def _describe(node: _Def, scope: str, group: str | None) -> Iterator[Definition]:
    """Yield the definition and, of a class, those in it; `group` is the outermost class around, None in a module."""
    if node.name.startswith("_"):
        return
    name = f"{scope}.{node.name}"
    kind = "class" if isinstance(node, ast.ClassDef) else "method" if group else "function"
    if docstring := ast.get_docstring(node):
        try:
            signature = _write_signature(node)
        except (RecursionError, ValueError):  # a default of hundreds of terms, or of thousands of digits
            signature = f"{node.name}(...)"
        yield _define(node.lineno, name, kind, signature, docstring, group or name)
    if isinstance(node, ast.ClassDef):
        for inner in _find_definitions(node):
            yield from _describe(inner, name, group or name)


def _find_definitions(node: ast.AST) -> Iterator[_Def]:
    """Yield the definitions of a module or class body, also those under `if`, `try` or `with`, in file order."""
    # A stack, not a recursion: each `elif` lies in the one before it.
    waiting = list(ast.iter_child_nodes(node))[::-1]
    while waiting:
        child = waiting.pop()
        if isinstance(child, _Def):
            yield child
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            waiting += list(ast.iter_child_nodes(child))[::-1]


def _define(line: int, name: str, kind: str, signature: str, docstring: str, group: str) -> Definition:
    template = PROMPTS["property" if kind == "method" and "(" not in signature else kind]
    scope, _, _ = name.rpartition(".")
    prompt = template.format(name=name, signature=signature, scope=scope)
    return Definition(line, name, kind, signature, group, prompt, docstring, name.partition(".")[0])


def _write_signature(node: _Def) -> str:
    """Return the call as source text; of a class with `__init__` how it is created, of a property its name."""
    if isinstance(node, ast.ClassDef):
        makers = [d for d in _find_definitions(node) if isinstance(d, _Function) and d.name == "__init__"]
        return f"{node.name}({_write_arguments(makers[-1].args)})" if makers else node.name
    decorators = [ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list]
    if any(decorator in PROPERTIES for decorator in decorators):
        return node.name
    parameters = getattr(node, "type_params", [])  # since Python 3.12
    types = f"[{', '.join(map(ast.unparse, parameters))}]" if parameters else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}{types}({ast.unparse(node.args)}){returns}"


def _write_arguments(arguments: ast.arguments) -> str:
    """Return the arguments of an `__init__` without its `self`, which callers never write."""
    first = "posonlyargs" if arguments.posonlyargs else "args"
    rest = ast.arguments(**{**vars(arguments), first: getattr(arguments, first)[1:]})
    return ast.unparse(rest)


def package_files(name: str) -> list[tuple[str, str, int, int]]:
    """List the .py files of an installed package: (logical path, absolute path, size in bytes, mtime in ns), sorted.

    name: what `import` takes, without dots.  The package is located, never imported.
    Raises ValueError for one that is not installed, or has no .py files.
    """
    # find_spec of a dotted name would import the parents.
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None:
        raise ValueError(f"no package {name!r} is installed here{_suggest_package(name)}")
    if spec.submodule_search_locations is None:
        roots = [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []
    else:
        roots = [Path(location) for location in spec.submodule_search_locations]
    found = [(file, root) for root in roots for file in (root.rglob("*.py") if root.is_dir() else [root])]
    # Editors leave links to nowhere whose names begin with a dot; folders so named are of tools.
    files = [_stat_file(file, root) for file, root in found if file.is_file() and not _is_hidden(file, root)]
    if not files:
        raise ValueError(f"package {name!r} has no .py files to read: it is built in or compiled")
    return sorted(files)


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _stat_file(file: Path, root: Path) -> tuple[str, str, int, int]:
    status = file.stat()
    return file.relative_to(root.parent).as_posix(), str(file.absolute()), status.st_size, status.st_mtime_ns


def _suggest_package(name: str) -> str:
    """Return the package that a distribution of this name installs ("scikit-learn": sklearn), else the nearest one."""
    installed = importlib.metadata.packages_distributions()
    owned = sorted(p for p, owners in installed.items() if name in owners and not p.startswith("_"))
    near = owned or difflib.get_close_matches(name, installed, n=1, cutoff=0.0)
    return f": did you mean {near[0]!r}?" if near else ""
