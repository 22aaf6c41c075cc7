"""Models in GGUF, written once as safetensors: reading GGUF takes longer than all else that loads a model does."""

import os
import shutil
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from jobs.runtime.assets import cache_folder
from jobs.runtime.errors import AssetError
from udfs.torch_models import LOCAL, quiet_transformers

SUFFIX = ".gguf"
# Of the written weights: what a scorer asks for otherwise, loading makes of them.
DTYPE = "bfloat16"


def safetensors_folder(gguf: Path, sha256: str) -> Path:
    """The folder in the cache of assets with the model of a GGUF file in bfloat16, and its tokenizer."""
    folder = cache_folder() / "models" / f"{gguf.stem}-{sha256[:16]}-{DTYPE}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            with redirect_stderr(StringIO()):  # bars of progress that know no other way to be still
                _convert(gguf, draft)
            os.replace(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    """Whole or not at all."""
    try:
        import torch

        transformers, place = quiet_transformers(), {"gguf_file": gguf.name, **LOCAL}
        whole = {"quantization_config": transformers.GgufConfig(dequantize=True), "dtype": getattr(torch, DTYPE)}
        tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, **place)
        model = transformers.AutoModelForCausalLM.from_pretrained(gguf.parent, **whole, **place)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except (ImportError, ValueError, KeyError, OSError, RuntimeError, NotImplementedError) as error:
        said = str(error).strip().partition("\n")[0][:300]
        raise AssetError(f"model {gguf} cannot be read as GGUF: {said}. Name a folder with *.safetensors") from None
