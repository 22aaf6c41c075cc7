"""The tools that are compared: how each is installed and run, and which documents it keeps."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
Command = Callable[[Path, str, Path, str], Sequence[str]]
Kept = Callable[[Path], NDArray[np.int64]]


@dataclass(frozen=True)
class Tool:
    """package: what is installed into an environment of its own, none for ours.

    command: from corpus, language, folder for results and Python to the command line.  kept: the ids that stay."""

    name: str
    package: str | None
    command: Command
    kept: Kept


def _script(name: str) -> Command:
    return lambda corpus, _, out, python: [python, str(HERE / "peer.py"), name, str(corpus), str(out / "kept.parquet")]


def _kernel(corpus: Path, language: str, out: Path, python: str) -> Sequence[str]:
    return [python, str(HERE / "kernel.py"), str(corpus), str(out / "kept.parquet")]


def _parquet(out: Path) -> NDArray[np.int64]:
    return _ids(pq.read_table(out / "kept.parquet"))


def _ids(table: pa.Table) -> NDArray[np.int64]:
    ids: NDArray[np.int64] = table.column("id").to_numpy()
    return ids


def _text_dedup(corpus: Path, language: str, out: Path, python: str) -> Sequence[str]:
    options: dict[str, object] = {"path": "parquet", "data_files": corpus, "split": "train", "column": "text"}
    options |= {"cache_dir": out / "cache", "output": out / "kept", "num_proc": 2}
    options |= {"num_perm": 128, "ngram": 5, "threshold": 0.7, "hash_func": "xxh3"}
    return [python, "-m", "text_dedup.minhash", *(f"--{key}={value}" for key, value in options.items())]


def _arrow(out: Path) -> NDArray[np.int64]:
    parts = []
    for path in sorted((out / "kept").glob("*.arrow")):
        with pa.memory_map(str(path)) as source:
            parts.append(_ids(ipc.open_stream(source).read_all()))
    return np.concatenate(parts)


def _data_juicer(corpus: Path, language: str, out: Path, python: str) -> Sequence[str]:
    cut = "character" if language == "zh" else "space"
    step = {"tokenization": cut, "window_size": 5, "lowercase": True, "num_permutations": 128, "jaccard_threshold": 0.7}
    config: dict[str, Any] = {"dataset_path": str(corpus), "export_path": str(out / "kept.jsonl"), "np": 2}
    config |= {"text_keys": "text", "process": [{"document_minhash_deduplicator": step}]}
    (out / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return [str(Path(python).parent / "dj-process"), "--config", str(out / "config.yaml")]


def _json_lines(out: Path) -> NDArray[np.int64]:
    with (out / "kept.jsonl").open(encoding="utf-8") as lines:
        return np.array([json.loads(line)["id"] for line in lines], np.int64)


TOOLS = (
    Tool("sluice kernel", None, _kernel, _parquet),
    Tool("rensa", "rensa==0.5.0 pyarrow", _script("rensa"), _parquet),
    Tool("datasketch", "datasketch==2.0.0 pyarrow", _script("datasketch"), _parquet),
    Tool("text-dedup", "text-dedup==0.4.0", _text_dedup, _arrow),
    Tool("data-juicer", "py-data-juicer==1.6.1 aiohttp", _data_juicer, _json_lines),
)


def python_of(tool: Tool, folder: Path) -> str | None:
    """The Python of a tool's environment, made where it is not there yet; None where it cannot be installed."""
    if tool.package is None:
        return PYTHON
    place = folder / "peers" / tool.name
    python = place / "bin" / "python"
    if not (place / ".installed").exists():
        uv = [PYTHON, "-m", "uv"]
        made = run([*uv, "venv", "--quiet", "--clear", "--python", PYTHON, str(place)]).returncode == 0
        install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        if not made or run([*install, *tool.package.split()]).returncode:
            return None
        (place / ".installed").touch()
    return str(python)
