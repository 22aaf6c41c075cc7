"""Judge the draft before it may become a version.  One output row is one gate's verdict:
{"dataset": "faq", "dataset_version": 2, "gate": "leaks", "draft": "c0...", "passed": false, "row_ids": ["9f..."]}"""

from functools import reduce
from typing import Any

from pydantic import BaseModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.frames.digests import frame_digest
from jobs.frames.matches import match_pairs
from jobs.frames.split_order import rank_of
from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.params import Count, Share
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.gate_results import GATE_RESULTS
from schemas.leaks import LEAKS
from schemas.selections import SELECTIONS

NAMED_PAIRS = 10
# Shares of any number of documents differ in these digits; the noise of floats does not reach them.
DIGITS = 9
DRAFT_COLUMNS = [name for name in SELECTIONS.columns.names if name not in ("dataset", "dataset_version")]
HELD_OUT = ("val", "test")
MISSED = 0.01
EMPTY = "drafts without an example; the views `quarantine`, `current_records` and the table `selections` say why"


class Params(BaseModel, frozen=True, extra="forbid"):
    """repair: share of the kept examples that the independent check alone may have found before the draft is refused,
    0 to 1; pairs so weak that MinHash is expected to miss them do not count. 0: nothing may have been linked across.
    min_share: part of its fraction that a held-out split must reach, 0 to 1, from min_documents kept on."""

    repair: Share = 0.001
    min_share: Share = 0.5
    min_documents: Count = 1000


def transform(
    selections: DataFrame,
    leaks: DataFrame,
    duplicate_matches: DataFrame,
    fractions: dict[str, float],
    certain: float,
    params: Params,
) -> DataFrame:
    """Output columns: those of gate_results but dataset and dataset_version; one row a gate.

    fractions: of the held-out splits.  certain: similarity from which the signatures find almost every pair."""
    draft = selections.agg(frame_digest(DRAFT_COLUMNS).alias("draft"))
    # The gates read these again and again.
    decided = selections.select("document_id", "split", "drop_reason", "partner_id").localCheckpoint()
    matched = match_pairs(duplicate_matches).select("document_id", "other_id").localCheckpoint()
    gates = [
        leak_gate(decided, leaks, matched),
        repair_gate(decided, leaks, matched, certain, params),
        share_gate(decided, fractions, params),
        content_gate(decided),
    ]
    return reduce(DataFrame.unionByName, gates).crossJoin(draft)


def leak_gate(selections: DataFrame, leaks: DataFrame, matched: DataFrame) -> DataFrame:
    """No pair of kept documents in two splits is linked, by match or by the independent check."""
    pairs = leaks.select("document_id", "other_id").union(matched)
    kept = selections.where("drop_reason IS NULL").select("document_id", "split")
    other = kept.select(F.col("document_id").alias("other_id"), F.col("split").alias("other_split"))
    both_kept = pairs.join(kept, "document_id").join(other, "other_id").where("split <> other_split")
    pair = F.array(F.least("document_id", "other_id"), F.greatest("document_id", "other_id"))
    found = counted(both_kept.select(pair.alias("pair")).distinct())
    said = "pairs of kept documents in two splits are linked"
    return verdict(found, "leaks", F.col("n").cast("double"), F.lit(0.0), said)


def repair_gate(
    selections: DataFrame, leaks: DataFrame, matched: DataFrame, certain: float, params: Params
) -> DataFrame:
    """The check that trusts no signature found little that the matches had not: else the matches are broken.

    It alone found a document that was dropped for a higher split without a match to any kept document of one. At the
    link threshold MinHash misses an eighth of all pairs by design: they are dropped all the same, but tell nothing.
    Where repair is 0, nothing may have had to be dropped for a higher split, whoever found it."""
    dropped = selections.where("drop_reason = 'cross_split'").select("document_id", "split", "partner_id")
    alone = unmatched(dropped, selections, leaks, matched, certain) if params.repair else dropped
    repaired = counted(alone.select(F.array("document_id", "partner_id").alias("pair")))
    kept = selections.agg(F.count_if(F.col("drop_reason").isNull()).alias("kept"))
    share = F.col("n") / F.greatest(F.col("kept"), F.lit(1))
    by_whom = " and found by the independent check alone" if params.repair else ""
    said = f"of the examples were linked across splits{by_whom}"
    return verdict(repaired.crossJoin(kept), "repairs", share, F.lit(params.repair), said)


def unmatched(
    dropped: DataFrame, selections: DataFrame, leaks: DataFrame, matched: DataFrame, certain: float
) -> DataFrame:
    """Those of the dropped that no match ties to a kept document of a higher split, though one was to be expected."""
    known = matched.union(matched.select("other_id", "document_id")).toDF("document_id", "other_id")
    kept = selections.where("drop_reason IS NULL").select(
        F.col("document_id").alias("other_id"), F.col("split").alias("other_split")
    )
    is_higher = rank_of(F.col("split")) < rank_of(F.col("other_split"))
    by_match = known.join(dropped, "document_id").join(kept, "other_id").where(is_higher)
    strength = leaks.groupBy("document_id").agg(F.max(F.coalesce("similarity", F.lit(1.0))).alias("strength"))
    weak = strength.where(F.col("strength") < certain)
    return dropped.join(by_match, "document_id", "left_anti").join(weak, "document_id", "left_anti")


def share_gate(selections: DataFrame, fractions: dict[str, float], params: Params) -> DataFrame:
    """Held-out splits are not starved: each reaches a part of its fraction, once there are documents enough."""
    kept = selections.where("drop_reason IS NULL")
    counts = kept.agg(
        F.count(F.lit(1)).alias("kept"), *[F.count_if(F.col("split") == split).alias(split) for split in HELD_OUT]
    )
    lacking = [
        F.lit(fractions[split] * params.min_share) - F.col(split) / F.greatest(F.col("kept"), F.lit(1))
        for split in HELD_OUT
    ]
    lack = F.when(F.col("kept") >= params.min_documents, F.greatest(F.lit(0.0), *lacking)).otherwise(F.lit(0.0))
    rows = counts.withColumn("row_ids", F.array().cast("array<string>"))
    said = f"is what val or test lacks of {params.min_share:g} of its fraction"
    return verdict(rows, "split_shares", lack, F.lit(0.0), said)


def content_gate(selections: DataFrame) -> DataFrame:
    """Something is left: an empty version would replace a good one for whoever reads the newest."""
    kept = selections.agg(F.count_if(F.col("drop_reason").isNull()).alias("kept"))
    rows = kept.withColumn("row_ids", F.array().cast("array<string>"))
    lack = F.when(F.col("kept") == 0, 1.0).otherwise(0.0)
    return verdict(rows, "content", lack, F.lit(0.0), EMPTY)


def counted(pairs: DataFrame) -> DataFrame:
    """One row: how many pairs there are (n), and the documents of the first few, pair by pair (row_ids).

    Limited before they are gathered: where matching is broken there are millions, and then the gate must speak."""
    found = pairs.localCheckpoint()  # read twice
    first = (
        found.orderBy("pair").limit(NAMED_PAIRS).agg(F.flatten(F.array_sort(F.collect_list("pair"))).alias("row_ids"))
    )
    return found.agg(F.count(F.lit(1)).alias("n")).crossJoin(first)


def verdict(row: DataFrame, gate: str, value: Column, threshold: Column, said: str) -> DataFrame:
    """One row of gate_results: passed when the value does not exceed the threshold."""
    rounded = F.round(value, DIGITS)
    return row.select(
        F.lit(gate).alias("gate"),
        (rounded <= threshold).alias("passed"),
        rounded.alias("value"),
        threshold.alias("threshold"),
        F.concat(rounded.cast("string"), F.lit(f" {said}; the limit is "), threshold.cast("string")).alias("detail"),
        "row_ids",
    )


def certain_similarity(bands: int, rows: int) -> float:
    """Jaccard similarity at which bands x rows MinHash misses 1 % of the pairs: (1 - J^rows)^bands = 0.01."""
    return float((1 - MISSED ** (1 / bands)) ** (1 / rows))


def external(context: Context) -> dict[str, Any]:
    """The lake's fractions of the held-out splits, and from where on its signatures are to be trusted."""
    splits, signing = (context.recipe.params[name].model_dump() for name in ("assign_splits", "hash_shingles"))
    fractions = {split: splits[split] for split in HELD_OUT}
    return {"fractions": fractions, "certain": certain_similarity(signing["bands"], signing["rows"])}


JOB = Job(
    "check_gates",
    reads=(SELECTIONS, LEAKS, DUPLICATE_MATCHES),
    writes=GATE_RESULTS,
    params=Params,
    transform=transform,
    external=external,
    iterative=True,
)
