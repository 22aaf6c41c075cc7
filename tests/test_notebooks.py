"""The notebooks run on a published version, carry no output, and define nothing."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def read(path: Path) -> Any:
    """A notebook."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat leaves it untyped


def code_cells(path: Path) -> list[Any]:
    """The cells that hold code."""
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_clear_and_define_nothing(path: Path) -> None:
    for cell in code_cells(path):
        assert not cell.outputs and cell.execution_count is None
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, DEFINING)]


@pytest.mark.spark
def test_a_version_is_read(faq_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_LAKE", str(faq_lake))
    monkeypatch.setenv("SLUICE_MASTER", "local[1]")
    monkeypatch.delenv("SLUICE_DATASET", raising=False)
    notebook = read(ROOT / "notebooks" / "read_a_version.ipynb")
    # A cell that fails ends this with its traceback.
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    shown = [output.data["text/plain"] for output in outputs if "text/plain" in output.get("data", {})]
    for said in ("support_faq", "train", "label_conflict", "duplicate", "merged"):
        assert any(said in text for text in shown), said
