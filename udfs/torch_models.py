"""torch and transformers as workers use them: without threads of the tokenizer, progress bars and code of models."""

import os
from pathlib import Path
from types import ModuleType
from typing import Any, Final

# Nothing is fetched and nothing that lies beside a model is run.
LOCAL: Final = {"local_files_only": True, "trust_remote_code": False}


def quiet_transformers() -> ModuleType:
    """The module transformers; ImportError without the extra `torch`."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one task has one core
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    module: ModuleType = transformers
    return module


def tokenizer_of(folder: Path) -> Any:
    """The fast tokenizer of a model's folder."""
    return quiet_transformers().AutoTokenizer.from_pretrained(folder, use_fast=True, **LOCAL)


def weights_of(kind: str, folder: Path, dtype: str, device: str) -> Any:
    """The model of a folder on a device.  kind: a class of transformers, such as AutoModel."""
    import torch

    loader = getattr(quiet_transformers(), kind)
    model = loader.from_pretrained(folder, use_safetensors=True, dtype=getattr(torch, dtype), **LOCAL)
    return model.eval().to(device)
