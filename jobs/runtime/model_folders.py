"""The folder of a model, from wherever it is, and what its files say of it.

config.json says what it is, 1_Pooling/config.json how vectors are pooled, sentence_bert_config.json how long a text may
be.  Weights are safetensors; pickles are refused, and code that lies beside them is never run.
"""

import hashlib
import json
import os
import shutil
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pyarrow import fs

from jobs.runtime.assets import ModelFacts, cache_folder
from jobs.runtime.errors import AssetError
from udfs.file_systems import find_file
from udfs.model_files import Kind, ModelFile, Pooling

READ = ("*.json", "*.txt", "*.model", "*.safetensors", "1_Pooling/config.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
MOST_TOKENS = 512


def hub_folder(name: str) -> Path:
    """The folder of a model of the hub, ORGANISATION/NAME or ORGANISATION/NAME@REVISION, fetched where it must be."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise AssetError(f"model hub:{name}: expected huggingface_hub. Install sluice-sft[torch]") from None
    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(READ)))
    except (HfHubHTTPError, LocalEntryNotFoundError, ValueError, OSError) as error:
        said = str(error).partition("\n")[0][:300]
        raise AssetError(f"model hub:{name} cannot be fetched: {said}. Name a folder that has it") from None


def stored_folder(uri: str) -> Path:
    """A copy, in the cache of assets, of a model's files below a URI; made anew when one of them changed."""
    try:
        system, base = find_file(uri.rstrip("/"))
        infos = [one for one in system.get_file_info(fs.FileSelector(base, recursive=True)) if one.is_file]
        names = {one.path[len(base) :].lstrip("/"): one for one in infos}
        wanted = {name: one for name, one in sorted(names.items()) if any(fnmatch(name, read) for read in READ)}
        facts = [[uri, *((name, one.size, one.mtime_ns) for name, one in wanted.items())]]
        folder = cache_folder() / "models" / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
        if not folder.is_dir():
            _copy(system, wanted, folder)
    except (OSError, ValueError) as error:
        said = str(error).partition("\n")[0][:300]
        raise AssetError(f"model {uri} cannot be read: {said}. Check the path, and the rights to it") from None
    return folder


def _copy(system: fs.FileSystem, files: dict[str, fs.FileInfo], folder: Path) -> None:
    """Whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for name, info in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            with (draft / name).open("wb") as copy, system.open_input_stream(info.path, compression=None) as stream:
                shutil.copyfileobj(stream, copy)
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def files_of(folder: Path, uri: str = "") -> tuple[ModelFile, ...]:
    """The files of a folder that make the model, in order of name; their places below `uri` where one is given."""
    found = sorted({path for pattern in READ for path in folder.glob(pattern) if path.is_file()})
    if not any(path.suffix == ".safetensors" for path in found):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        said = f"only {pickles[0]}, which is a pickle: it could run any code" if pickles else "none"
        raise AssetError(f"model {uri or folder}: expected weights in *.safetensors, found {said}")
    names = [str(path.relative_to(folder)) for path in found]
    places = [f"{uri.rstrip('/')}/{name}" if uri else str((folder / name).absolute()) for name in names]
    return tuple(ModelFile(name, place, _sha256(folder / name)) for name, place in zip(names, places, strict=True))


def described(folder: Path) -> ModelFacts:
    """What the files say of the model."""
    config, pooling = _json(folder / "config.json"), _json(folder / "1_Pooling" / "config.json")
    architecture = (config.get("architectures") or [""])[0]
    kind: Kind = "causal" if architecture.endswith("ForCausalLM") else "encoder"
    by_cls, by_last = pooling.get("pooling_mode_cls_token"), pooling.get("pooling_mode_lasttoken")
    pooled: Pooling = "cls" if by_cls else "last" if by_last else "mean"
    limits = (_json(folder / "sentence_bert_config.json").get("max_seq_length"), config.get("max_position_embeddings"))
    most = min([MOST_TOKENS, *(limit for limit in limits if isinstance(limit, int))])
    return ModelFacts(kind=kind, pooling=pooled, max_tokens=most)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AssetError(f"{path} is not JSON: {error}") from None
    return found if isinstance(found, dict) else {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
