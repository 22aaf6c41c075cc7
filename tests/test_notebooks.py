"""The notebooks run on a published version, carry no output, and define nothing."""

import ast
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import mlflow
import nbformat
import pyarrow as pa
import pytest
from deltalake import write_deltalake
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


def execute(name: str, folder: Path) -> list[Any]:
    """The outputs of a notebook that runs in a folder; a cell that fails ends this with its traceback."""
    notebook = read(ROOT / "notebooks" / name)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    return outputs


def write_labelled_lake(lake: Path) -> None:
    """Made-up stays at hotels, good (1) or bad (0): version 1 is smaller than version 2, and what was published last
    has no labels."""
    said = {
        "1": ("房间很干净", "早餐不错", "服务热情", "下次再来"),
        "0": ("房间很脏", "早餐难吃", "服务冷淡", "再也不来"),
    }
    rows = []
    for label, version, (at, (first, last)) in product(said, (1, 2), enumerate(product(*[range(4)] * 2))):
        split = ("train", "train", "val", "test")[(at + at // 4) % 4]
        if version == 2 or at < 12:
            ident, text = f"{label}{at:02d}", f"{said[label][first]},{said[label][last]}。"
            rows.append({"dataset": "stays", "dataset_version": version, "document_id": ident, "split": split})
            rows[-1] |= {"text": text, "label": label}
    rows.append({"dataset": "prose", "dataset_version": 1, "document_id": "p", "split": "train", "text": "x"})
    kinds = [(name, pa.string()) for name in ("dataset", "document_id", "split", "text", "label")]
    examples = pa.Table.from_pylist(rows, pa.schema([*kinds, ("dataset_version", pa.int64())]))
    write_deltalake(lake / "dataset_examples", examples, partition_by=["dataset", "dataset_version", "split"])
    named = (("stays", 2, "train/1", "c2"), ("stays", 1, "train/1", "c1"), ("prose", 1, "train/unlabelled", "c3"))
    versions = [
        {"dataset": dataset, "dataset_version": version, "label_counts": [(label, 1)], "content_digest": digest}
        | {"published_at": datetime(2026, 1, version if dataset == "stays" else 9, tzinfo=UTC), "num_examples": 1}
        for dataset, version, label, digest in named
    ]
    counts = [("label_counts", pa.map_(pa.string(), pa.int64())), ("published_at", pa.timestamp("us", "UTC"))]
    numbers = [("dataset_version", pa.int64()), ("num_examples", pa.int64()), ("content_digest", pa.string())]
    schema = pa.schema([("dataset", pa.string()), *numbers, *counts])
    write_deltalake(lake / "dataset_versions", pa.Table.from_pylist(versions, schema))


def test_a_classifier_is_trained_and_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_labelled_lake(tmp_path / "lake")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for name in ("SLUICE_LAKE", "SLUICE_DATASET", "SLUICE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    outputs = execute("train_a_classifier.ipynb", tmp_path)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    client: Any = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("sluice").experiment_id
    run = client.search_runs([experiment])[0]
    inputs = {one.dataset.name: (one.dataset.digest, one.tags[0].value) for one in run.inputs.dataset_inputs}
    assert inputs == {
        "stays v2 train": ("c2", "training"),
        "stays v2 val": ("c2", "validation"),
        "stays v2 test": ("c2", "testing"),
    }
    assert run.data.params["dataset"] == "stays v2"
    # The labels share hardly a word: a model that reads the texts makes no error, a guess is right half the time.
    assert run.data.metrics["test_accuracy"] == 1.0
    assert run.data.metrics["test_majority"] == 0.5
    assert client.search_logged_models([experiment])[0].name == "classifier"
