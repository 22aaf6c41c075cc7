"""Where a model is, and the digest of its bytes: `asset:NAME/MEMBER` as pinned, or a file of the user's."""

from hashlib import file_digest
from pathlib import Path

from jobs.runtime.assets import pinned, resolve_asset
from jobs.runtime.conf_files import conf_path
from jobs.runtime.errors import AssetError
from jobs.runtime.model_places import folder_digest, is_model, whole_models

PREFIX = "asset:"


def model_file(reference: str) -> str:
    """The path of `asset:NAME/MEMBER`, fetched when it must be, or of a local file."""
    if reference.startswith(PREFIX):
        return str(resolve_asset(reference.removeprefix(PREFIX)))
    path = Path(reference)
    if not path.is_file():
        whole = f"Of a whole model: {whole_models(reference)}"
        raise AssetError(f"model {reference}: expected asset:NAME/MEMBER or a file, found none there. {whole}")
    return str(path.absolute())


def model_digest(reference: str) -> str:
    """The sha256 of a model's bytes: as pinned, so that nothing is fetched, or of the local file or folder."""
    if is_model(reference):
        return folder_digest(reference)
    if reference.startswith(PREFIX):
        return pinned(reference.removeprefix(PREFIX), conf_path("assets.yaml"))[1].sha256
    with Path(model_file(reference)).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
