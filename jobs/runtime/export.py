"""Export one published version to trainers: survey, shards, manifest. It changes nothing in the lake."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.runtime.connect import master_of
from jobs.runtime.errors import ConfigError, SluiceError
from jobs.runtime.export_folder import Folder, open_folder, said
from jobs.runtime.export_manifest import SPLITS, card, manifest
from jobs.runtime.export_rows import Misfit, Survey, survey, write
from jobs.runtime.tables import Lake
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from udfs.export_features import features
from udfs.export_files import ENDINGS, Target
from udfs.export_shapes import ALL_OR_NONE, SHAPES, WITHOUT

LATEST, NO_LICENCE = "latest", "not given"
FORMATS, COMPRESSIONS = tuple(SHAPES), tuple(ENDINGS)
# The name of a shard has five digits.
MOST_SHARDS = 99_999


@dataclass(frozen=True)
class Wanted:
    """What is asked for. version: a number or `latest`.  where: folder or URI.  shard_rows: rows of a full shard."""

    version: str
    form: str
    where: str
    compress: str = "gzip"
    shard_rows: int = 100_000

    def __post_init__(self) -> None:
        """ConfigError, before Spark starts, for what no lake could serve."""
        if self.form not in FORMATS:
            raise ConfigError(f"--format {self.form}: expected one of {', '.join(FORMATS)}")
        if self.compress not in COMPRESSIONS:
            raise ConfigError(f"--compress {self.compress}: expected one of {', '.join(COMPRESSIONS)}")
        if self.shard_rows < 1:
            raise ConfigError(f"--shard-rows {self.shard_rows}: expected 1 or more")
        if self.version != LATEST and not (self.version.isascii() and self.version.isdigit()):
            raise ConfigError(f"version {self.version}: expected a number or {LATEST}")


@dataclass(frozen=True)
class Exported:
    """What lies at the place now. new: false where it lay there before.  where: the place, spelt out."""

    manifest: Mapping[str, Any]
    where: str
    new: bool


def export_version(lake: Lake, dataset: str, wanted: Wanted) -> Exported:
    """Write one version of a dataset.  ConfigError, before anything is written, where it cannot have this shape."""
    version = find_version(lake, dataset, wanted.version)
    identity = _identity(version, wanted)
    folder = open_folder(wanted.where, master_of(lake.spark, "local"))
    with faults_of(folder):
        found = folder.finished(identity)
        document = found or _write(lake, version, wanted, folder, identity)
    return Exported(document, folder.where if "://" in folder.uri else folder.root, new=found is None)


def find_version(lake: Lake, dataset: str, version: str) -> Row:
    """The manifest row of a published version; ConfigError names those that there are."""
    ours = lake.read(DATASET_VERSIONS).where(F.col("dataset") == dataset)
    numbers = sorted(row["dataset_version"] for row in ours.select("dataset_version").collect())
    if not numbers:
        raise ConfigError(f"no version of {dataset} is published yet. Build one with `sluice run`.")
    number = numbers[-1] if version == LATEST else int(version)
    if number not in numbers:
        known = ", ".join(map(str, numbers))
        raise ConfigError(f"version {version} of {dataset} is not published: expected {LATEST} or one of {known}")
    return ours.where(F.col("dataset_version") == number).collect()[0]


def require_fit(surveyed: Survey, form: str) -> None:
    """ConfigError where examples of the version cannot have the shape of the format."""
    total = sum(surveyed.buckets.values())
    misfits = list(surveyed.misfits)
    for trait, why in ALL_OR_NONE.items():
        with_it, without = surveyed.traits.get(trait, (0, None))
        if without is not None:
            fitting = total - sum(one.rows for one in surveyed.misfits)
            misfits.append(Misfit(why, fitting - with_it, without))
    if misfits:
        told = "; ".join(f"{one.rows:,} {one.why}, such as document {one.example}" for one in misfits)
        raise ConfigError(
            f"--format {form} cannot hold this version: of its {total:,} examples {told}. Nothing was written. "
            "Choose another format (parquet holds everything), or a recipe whose sources have this shape."
        )


@contextmanager
def faults_of(folder: Folder) -> Iterator[None]:
    """A fault of the place as an error that names it."""
    try:
        yield
    except OSError as error:
        raise SluiceError(f"--out {folder.where} cannot be used: {said(error, folder.uri)}") from None


def _identity(version: Row, wanted: Wanted) -> dict[str, Any]:
    """What makes two exports the same."""
    return {
        "dataset": version["dataset"],
        "dataset_version": version["dataset_version"],
        "content_digest": version["content_digest"],
        "format": wanted.form,
        "compress": wanted.compress,
        "shard_rows": wanted.shard_rows,
    }


def _write(lake: Lake, version: Row, wanted: Wanted, folder: Folder, identity: Mapping[str, Any]) -> Mapping[str, Any]:
    examples = _examples(lake, version)
    surveyed = survey(examples, wanted.form)
    require_fit(surveyed, wanted.form)
    target = Target(
        folder.uri, wanted.form, wanted.compress, frozenset(surveyed.traits), _shards(surveyed, wanted.shard_rows)
    )
    facts = {
        "licenses": _licences(examples),
        "sources": dict(sorted(version["sources"].items())),
        "code_version": version["code_version"],
    }
    folder.begin(identity)
    files = write(examples, surveyed, target, wanted.shard_rows)
    left_out = {
        trait.removeprefix(WITHOUT): rows for trait, (rows, _) in surveyed.traits.items() if trait.startswith(WITHOUT)
    }
    document = manifest(identity, files, facts, left_out)
    _require_all(document, version)
    folder.commit(document, card(document, features(wanted.form, target.traits)))
    return document


def _examples(lake: Lake, version: Row) -> DataFrame:
    """The rows of the version, of one state of the table: they are read twice."""
    mine = (F.col("dataset") == version["dataset"]) & (F.col("dataset_version") == version["dataset_version"])
    return lake.read(DATASET_EXAMPLES, lake.version(DATASET_EXAMPLES)).where(mine)


def _shards(surveyed: Survey, shard_rows: int) -> dict[str, int]:
    shards = {split: -(-rows // shard_rows) for split, rows in surveyed.splits().items()}
    if max(shards.values(), default=0) > MOST_SHARDS:
        raise ConfigError(f"--shard-rows {shard_rows} makes more than {MOST_SHARDS:,} files of a split: give more rows")
    return shards


def _licences(examples: DataFrame) -> dict[str, int]:
    """Licence -> examples; an example with two licences counts under both."""
    given = F.when(F.size("licenses") > 0, F.col("licenses")).otherwise(F.array(F.lit(NO_LICENCE)))
    rows = examples.select(F.explode(given).alias("licence")).groupBy("licence").count().collect()
    return {str(row["licence"]): row["count"] for row in sorted(rows)}


def _require_all(document: Mapping[str, Any], version: Row) -> None:
    """The table must still hold what the version's manifest counts."""
    written = {split: document["splits"][split]["rows"] for split in SPLITS}
    declared = {split: version["split_counts"].get(split, 0) for split in SPLITS}
    if written != declared:
        raise SluiceError(
            f"dataset_examples holds {written} of this version, its manifest in dataset_versions says {declared}: "
            "the table was changed by hand. Restore it, then run again."
        )
