"""What holds the house together: who may import whom, the graph of the jobs, and what every table declares."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime.job import Job
from jobs.runtime.source import Source
from jobs.runtime.views import TABLES, VIEWS
from schemas.table import Table

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("jobs", "udfs", "schemas")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
JOB_MODULES = {f"jobs.{path.stem}" for path in (ROOT / "jobs").glob("*.py")} - {"jobs.__init__", "jobs.main"}
MAX_LINES = 250

# What ties code to one driver: none of it works on Spark Connect or at scale.
DRIVER_ONLY = {"rdd", "sparkContext", "_jvm", "_jsparkSession", "toPandas", "SparkContext"}
# list_files lists a file again that ingest_records could not read: it looks back at what the last run left.
BACK_EDGES = {("list_files", "raw_records")}
# How a reason code stands in code: assigned to the column, compared with it, or handed to what makes a drop.
REASON = re.compile(
    r"""drop_reason["']?\s*(?:=|<=>|:)\s*["']([a-z_]+)["']"""
    r"""|(?:\b_drop|\bDrop|\bDropError|\bFileError)\(\s*["']([a-z_]+)["']"""
    r"""|["']([a-z_]+)["']\)(?:\.otherwise\(.*\))?\.alias\("drop_reason"\)"""
    r"""|Row\(\w+, None, "([a-z_]+)\""""
)


def module_of(path: Path) -> str:
    """jobs/frames/links.py is jobs.frames.links."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """The syntax of a file."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it; of `from a import b` both a and a.b."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports by full names, not from ."
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def names_used(path: Path) -> set[str]:
    """Every name, attribute and imported name of a file."""
    used = set()
    for node in nodes(path):
        if isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            used |= {name.name for name in node.names}
    return used


def within(module: str, *packages: str) -> bool:
    """Whether the module is one of these packages or in one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path: Path) -> None:
    module, found = module_of(path), set(imports(path))
    package = module.partition(".")[0]
    if package in ("udfs", "schemas"):
        assert not {name for name in found if within(name, "jobs")}, "only jobs may import jobs"
    if package == "schemas":
        assert not {name for name in found if within(name, "udfs")}, "schemas stand at the bottom"
        assert not {name for name in found if within(name, "pyspark") and not within(name, "pyspark.sql")} - {"pyspark"}
    if within(module, "jobs.frames"):
        assert not {name for name in found if within(name, "jobs.runtime")}, "frames know no runtime"
    if module not in ("jobs.pipeline", "jobs.main"):
        assert not found & (JOB_MODULES - {"jobs.pipeline"}), "jobs share through jobs/frames, not with each other"
    if module in JOB_MODULES:
        assert "jobs.pipeline" not in found - {module}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_no_driver_only_code(path: Path) -> None:
    used = names_used(path)
    assert not used & DRIVER_ONLY
    if not within(module_of(path), "jobs.runtime"):
        assert "SparkSession" not in used, "sessions belong to jobs/runtime"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_schemas_need_no_third_party_but_pyspark() -> None:
    found = {name.partition(".")[0] for path in (ROOT / "schemas").glob("*.py") for name in imports(path)}
    assert found == {"collections", "dataclasses", "typing", "pyspark", "schemas"}


def test_every_job_reads_what_an_earlier_job_writes() -> None:
    written: set[str] = set()
    for job in PIPELINE:
        wanted = {table.name for table in job.inputs if table not in job.feedback} - {job.writes.name}
        early = {(job.name, name) for name in wanted - written}
        assert early <= BACK_EDGES, f"{job.name} reads before they are written: {sorted(early)}"
        assert job.writes.name not in written, f"{job.writes.name} has two writers"
        written.add(job.writes.name)
    assert all(table.name in written for job in PIPELINE for table in job.feedback), "feedback that nobody writes"


def test_jobs_are_named_as_their_files_and_sections() -> None:
    modules = {f"jobs.{job.name}" for job in PIPELINE} | {"jobs.pipeline"}
    assert modules == JOB_MODULES
    assert [job.transform.__module__ for job in PIPELINE] == [f"jobs.{job.name}" for job in PIPELINE]
    # A section of a recipe is the job's name; no top key may take it.
    assert not {job.name for job in PIPELINE} & {"dataset", "tables", "tracking", "sources"}


@pytest.mark.parametrize("job", PIPELINE, ids=lambda job: job.name)
def test_parameters_are_explained(job: Job) -> None:
    """Every parameter of a section is named in the docstring of its Params."""
    params = job.params
    assert params.model_config.get("frozen") and params.model_config.get("extra") == "forbid"
    for name in set(params.model_fields) - {"sources"}:
        assert re.search(rf"\b{name}\b", params.__doc__ or ""), f"{name} is not explained"


def test_every_schema_file_is_a_table_of_its_name() -> None:
    modules = {path.stem for path in (ROOT / "schemas").glob("*.py")} - {"__init__", "table", "column_types"}
    assert {table.name for table in TABLES} == modules
    for table in TABLES:
        text = (ROOT / "schemas" / f"{table.name}.py").read_text(encoding="utf-8")
        assert f"\n{table.name.upper()} = Table(\n" in text
        assert re.match(r'"""[A-Z].+ One row is .+|"""[A-Z].+ One row: .+', text), f"{table.name}: what is one row?"


def test_every_view_is_a_file() -> None:
    assert {path.stem for path in (ROOT / "schemas" / "sql").glob("*.sql")} == set(VIEWS)
    for name in VIEWS:
        text = (ROOT / "schemas" / "sql" / f"{name}.sql").read_text(encoding="utf-8")
        assert text.startswith("-- "), f"{name}: say what a row is"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_commented(table: Table) -> None:
    assert not [field.name for field in table.columns if not field.metadata.get("comment")]
    assert not {name for name in table.key if table.columns[name].nullable}, "a key is never null"


def reason_codes(path: Path) -> set[str]:
    """Codes that a file drops with or asks for, as far as they stand there as literals."""
    return {code for match in REASON.findall(path.read_text(encoding="utf-8")) for code in match if code}


def test_reason_codes_are_declared_and_used() -> None:
    declared = {code for table in TABLES for code in table.reasons}
    code = [path for path in FILES if not within(module_of(path), "schemas")]
    used = {reason for path in code for reason in reason_codes(path)}
    assert len(used) >= 20, "the search finds nothing any more: mend REASON"
    assert not used - declared
    literals = {
        node.value
        for path in code
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not declared - literals, "declared, but no job drops with it"
    in_views = {
        code for name in VIEWS for code in re.findall(r"drop_reason(?: =| IN \()\s*'([a-z_]+)'", view_text(name))
    }
    assert not in_views - declared


def view_text(name: str) -> str:
    """The SQL of one view."""
    return (ROOT / "schemas" / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def test_sources_are_explained() -> None:
    explained = Source.__doc__ or ""
    assert not [name for name in Source.model_fields if name not in ("name", "format") and f"{name}" not in explained]
