"""Give every document its split, once and for ever.  One output row is the split and leak group of one document:
{"document_id": "9f...", "split": "test", "reason": "hash", "leak_group_id": "07...", "drop_reason": null}

New documents that are tied form components; documents that have a split lend it, but do not conduct.
"""

from pydantic import BaseModel, Field, field_validator, model_validator
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.components import connected_components
from jobs.frames.links import LINK_KINDS, declared_links, edges_among_new, keys_of_new, link_keys, pairs_of_new, touches
from jobs.runtime.cleanings import cleaned_in_force
from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.params import Count, Number
from schemas.clean_records import CLEAN_RECORDS
from schemas.documents import DOCUMENTS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.splits import SPLITS

FRACTIONS = ("train", "val", "test")
HELD_OUT = ("val", "test")
ALL_SPLITS = ("test", "train", "val")
MIN_LIMIT = 5


class Params(BaseModel, frozen=True, extra="forbid"):
    """train, val, test: fractions of the documents, 0 to 1, together 1.  salt: of the draw.
    bind: kinds of key that tie documents.  prompt_cap: a prompt of more documents is generic and does not bind.
    revision_cap: a text that more records had does not bind their newer texts, and one in more groups does not bind
    them.  All belong to the lake."""

    train: Number = Field(default=0.9, gt=0, le=1)
    val: Number = Field(default=0.05, ge=0, lt=1)
    test: Number = Field(default=0.05, ge=0, lt=1)
    salt: str = "1"
    bind: tuple[str, ...] = LINK_KINDS
    prompt_cap: Count = 100
    revision_cap: Count = 20

    @field_validator("bind")
    @classmethod
    def _kinds_in_one_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(value) - set(LINK_KINDS)
        if unknown:
            raise ValueError(f"bind knows {', '.join(LINK_KINDS)}; found {', '.join(sorted(unknown))}")
        if "folded_text" not in value:
            raise ValueError("bind lacks folded_text: texts that are equal after folding always share a split")
        return tuple(kind for kind in LINK_KINDS if kind in value)

    @model_validator(mode="after")
    def _fractions_are_whole(self) -> "Params":
        """Where some are left out, the lake may have them (jobs/runtime/lake_params.py)."""
        if set(FRACTIONS) <= self.model_fields_set and abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError(f"train + val + test must be 1, found {self.train + self.val + self.test:g}")
        return self


def transform(
    new_documents: DataFrame,
    documents: DataFrame,
    clean_records: DataFrame,
    duplicate_matches: DataFrame,
    splits: DataFrame,
    declared: DataFrame,
    params: Params,
) -> DataFrame:
    """Input columns: document_id, fold_digest, prompt_digest; record_id, revision, batch; matches; split; link.
    Output columns: those of splits, one row for every new document.

    declared: document_id and link of the keys that cleanings in force declare."""
    # Each of these is read several times below.
    new_ids = new_documents.select("document_id").localCheckpoint()
    every_key = link_keys(documents, declared, params.bind, params.revision_cap)
    keys = keys_of_new(every_key, new_ids, params.prompt_cap).localCheckpoint()
    pairs = pairs_of_new(duplicate_matches, new_ids).localCheckpoint()
    lenders = splits.where("NOT drop_reason <=> 'conflict'").select("document_id", "split", "leak_group_id")
    members = with_components(new_ids, connected_components(edges_among_new(keys, new_ids, pairs)))
    touched = touches(keys, new_ids, lenders, pairs, clean_records, params.revision_cap)
    return (
        members.transform(with_touches, touched)
        .transform(with_limits, new_ids, splits, params)
        .transform(decide, params)
        .transform(mark_large_groups, splits, params)
    )


def with_components(new_ids: DataFrame, components: DataFrame) -> DataFrame:
    """Columns document_id, component_id: a document without ties is its own component."""
    joined = new_ids.join(components, "document_id", "left")
    return joined.select("document_id", F.coalesce("component_id", "document_id").alias("component_id"))


def with_touches(members: DataFrame, touched: DataFrame) -> DataFrame:
    """Adds: size of the component, the splits and smallest leak group it touches, whether the row itself touches a
    held-out split.

    A flag a split: lists collected over a component would be flattened once for each of its members."""
    flags = [F.bool_or(F.col("split") == split).alias(f"touches_{split}") for split in ALL_SPLITS]
    own = touched.groupBy("document_id").agg(*flags, F.min("leak_group_id").alias("own_group"))
    whole = Window.partitionBy("component_id")
    lent = [F.when(F.bool_or(f"touches_{split}").over(whole), F.lit(split)) for split in ALL_SPLITS]
    joined = members.join(own, "document_id", "left")
    return joined.select(
        "document_id",
        "component_id",
        F.count("document_id").over(whole).alias("size"),
        F.array_compact(F.array(*lent)).alias("lent_splits"),
        F.min("own_group").over(whole).alias("lent_group"),
        F.coalesce(F.col("touches_val") | F.col("touches_test"), F.lit(False)).alias("touches_held_out"),
    )


def with_limits(members: DataFrame, new_ids: DataFrame, splits: DataFrame, params: Params) -> DataFrame:
    """Adds limit_val, limit_test: the greatest part of a held-out split that one leak group may be."""
    total = new_ids.select("document_id").union(splits.select("document_id")).agg(F.count("document_id").alias("total"))
    limits = {
        f"limit_{split}": F.greatest(F.lit(float(MIN_LIMIT)), F.lit(getattr(params, split) / 2) * F.col("total"))
        for split in HELD_OUT
    }
    return members.crossJoin(total.select(*[limit.alias(name) for name, limit in limits.items()]))


def drawn_split(component_id: Column, params: Params) -> Column:
    """The split that the salt draws: equal in Spark, Python's hashlib and any SQL with sha256."""
    digest = F.sha2(F.concat_ws("|", F.lit(params.salt), component_id), 256)
    place = F.conv(F.substring(digest, 1, 8), 16, 10).cast("bigint") / F.lit(float(1 << 32))
    return F.when(place < params.train, "train").when(place < params.train + params.val, "val").otherwise("test")


def limit_of(split: Column) -> Column:
    """The limit of the row's split; none for train."""
    return F.when(split == "val", F.col("limit_val")).when(split == "test", F.col("limit_test"))


def decide(members: DataFrame, params: Params) -> DataFrame:
    """Adds split, reason, leak_group_id, drop_reason."""
    drawn = drawn_split(F.col("component_id"), params)
    is_large = F.coalesce(F.col("size") > limit_of(drawn), F.lit(False))
    lent = F.size("lent_splits")
    return members.withColumns(
        {
            "split": F.when(lent == 1, F.element_at("lent_splits", 1))
            .when((lent > 1) | is_large, "train")
            .otherwise(drawn),
            "reason": F.when(lent == 1, "lent")
            .when(lent > 1, "merged")
            .when(is_large, "large_group")
            .otherwise("hash"),
            "leak_group_id": F.coalesce("lent_group", "component_id"),
            "drop_reason": F.when((lent > 1) & F.col("touches_held_out"), "conflict"),
            "drop_value": F.when((lent > 1) & F.col("touches_held_out"), F.array_join("lent_splits", ", ")),
        }
    )


def mark_large_groups(decided: DataFrame, splits: DataFrame, params: Params) -> DataFrame:
    """In val and test a leak group keeps no more unmarked members than the limit: later ones keep the split, lend it,
    and are not published."""
    present = (
        splits.where("drop_reason IS NULL")
        .groupBy("leak_group_id", "split")
        .agg(F.count("document_id").alias("present"))
    )
    order = Window.partitionBy("leak_group_id", "split").orderBy(
        F.sha2(F.concat_ws("|", F.lit(params.salt), "document_id"), 256)
    )
    place = F.row_number().over(order) + F.coalesce("present", F.lit(0))
    placed = decided.join(present, ["leak_group_id", "split"], "left").withColumn("place", place)
    limit = limit_of(F.col("split"))
    is_over = F.col("drop_reason").isNull() & F.coalesce(F.col("place") > limit, F.lit(False))
    return placed.select(
        "document_id",
        "split",
        "reason",
        "leak_group_id",
        F.when(is_over, "large_group").otherwise(F.col("drop_reason")).alias("drop_reason"),
        F.when(is_over, F.col("place").cast("string")).otherwise(F.col("drop_value")).alias("drop_value"),
        F.when(is_over, F.round(limit, 1).cast("string")).alias("drop_threshold"),
    )


def external(context: Context) -> dict[str, DataFrame]:
    """The declared keys that count in this lake."""
    return {"declared": declared_links(cleaned_in_force(context))}


JOB = Job(
    "assign_splits",
    reads=(DOCUMENTS, CLEAN_RECORDS, DUPLICATE_MATCHES, SPLITS),
    writes=SPLITS,
    params=Params,
    transform=transform,
    each=DOCUMENTS,
    lake=(DOCUMENTS, CLEAN_RECORDS, DUPLICATE_MATCHES, SPLITS),
    all_fingerprints=(DUPLICATE_MATCHES,),
    iterative=True,
    external=external,
    lake_params=("train", "val", "test", "salt", "bind", "prompt_cap", "revision_cap"),
)
