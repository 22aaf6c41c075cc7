"""What a user should know of a published version: classes that a split lacks, leak groups that weigh much."""

from collections.abc import Iterator, Sequence

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from jobs.frames.links import LINK_KINDS, declared_links, link_keys
from jobs.frames.matches import match_pairs
from jobs.runtime import console
from jobs.runtime.cleanings import cleaned_in_force
from jobs.runtime.context import Context
from schemas.clean_records import CLEAN_RECORDS
from schemas.documents import DOCUMENTS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.selections import SELECTIONS
from schemas.splits import SPLITS

LARGE_SHARE = 0.05
# Matches told of a large group: what chained its documents is most often among the least similar.
WEAKEST = 10
ID_DIGITS = 12
TIE_NAMES = {
    "match": "near-duplicate matches",
    "folded_text": "equal letters and digits",
    "prompt": "equal prompts",
    "group": "declared keys",
}


def notices(context: Context, manifest: Row) -> Iterator[str]:
    """One line for each thing to know."""
    yield from absent_classes(manifest["split_counts"], manifest["label_counts"])
    yield from large_leak_groups(context, manifest["dataset_version"])
    yield from unbound(context)


def draft_notices(context: Context) -> Iterator[str]:
    """What may be the cause of a refusal."""
    yield from large_leak_groups(context, context.scope.draft)
    yield from unbound(context)


def absent_classes(splits: dict[str, int], labels: dict[str, int]) -> Iterator[str]:
    """Labels that a split with examples has none of."""
    names = sorted({key.split("/", 1)[1] for key in labels} - {console.UNLABELLED})
    for split in console.SPLITS:
        absent = [name for name in names if not labels.get(f"{split}/{name}")]
        if absent and splits.get(split):
            shown = ", ".join(absent[:10]) + (f" and {len(absent) - 10} more" if len(absent) > 10 else "")
            yield f"{split} has no example of {len(absent)} of {len(names)} labels: {shown}"


def large_leak_groups(context: Context, version: int) -> Iterator[str]:
    """Leak groups that hold more than 5 % of the dataset's documents, what ties them, and their weakest links."""
    mine = (F.col("dataset") == context.recipe.dataset) & (F.col("dataset_version") == version)
    selections = context.lake.read(SELECTIONS).where(mine)
    sizes = selections.groupBy("leak_group_id", "split").agg(F.count(F.lit(1)).alias("size"))
    total = selections.agg(F.count(F.lit(1)).alias("total"))
    large = sizes.crossJoin(total).where(F.col("size") > LARGE_SHARE * F.col("total")).orderBy(F.desc("size"))
    rows = large.limit(3).collect()
    if not rows:
        return
    groups = [row["leak_group_id"] for row in rows]
    of_them = selections.where(F.col("leak_group_id").isin(groups)).select("leak_group_id", "document_id")
    counts, weakest = tie_counts(context, of_them), weakest_links(context, groups)
    for row in rows:
        found = [(counts.get((row["leak_group_id"], kind)), name) for kind, name in TIE_NAMES.items()]
        ties = ", ".join(f"{count:,} by {name}" for count, name in found if count)
        held = f"{row['size']:,} documents ({row['size'] / row['total']:.1%}), all in {row['split']}"
        group = row["leak_group_id"][:ID_DIGITS]
        yield f"leak group {group} holds {held}; tied: {ties or 'by documents of other datasets'}"
        if links := weakest.get(row["leak_group_id"]):
            yield f"weakest links of leak group {group}: {', '.join(map(_link, links))}"


def unbound(context: Context) -> Iterator[str]:
    """Prompts and older texts that too many share to tie what has them (assign_splits.prompt_cap, revision_cap)."""
    params = context.recipe.params["assign_splits"].model_dump()
    every = context.lake.read(DOCUMENTS).where("prompt_digest IS NOT NULL")
    mine = context.scope.current(DOCUMENTS, every).select("prompt_digest").distinct()
    # Like the splits, over all documents of the lake: others may make a prompt of this dataset generic.
    shared = every.join(mine, "prompt_digest", "left_semi").groupBy("prompt_digest").agg(F.count(F.lit(1)).alias("n"))
    if "prompt" in params["bind"]:
        said = "documents of the lake share it and may lie in different splits"
        yield from _too_many(shared, params["prompt_cap"], "prompt", said)
    records = context.scope.in_force(CLEAN_RECORDS, context.lake.read(CLEAN_RECORDS))
    newest_text = F.max_by("document_id", "revision").over(Window.partitionBy("record_id"))
    texts = records.where("document_id IS NOT NULL").withColumn("is_old", newest_text != F.col("document_id"))
    had = texts.groupBy("document_id").agg(
        F.count_distinct("record_id").alias("n"), F.bool_or("is_old").alias("is_old")
    )
    said = "records had it, so it lends their newer texts no split"
    yield from _too_many(had.where("is_old"), params["revision_cap"], "older text", said)
    links = declared_links(cleaned_in_force(context)).join(had.select("document_id"), "document_id", "left_semi")
    of_each = links.groupBy("document_id").agg(F.count("link").alias("n"))
    if "group" in params["bind"]:
        yield from _too_many(of_each, params["revision_cap"], "text", "groups have it, so it ties none of them")


def _too_many(counted: DataFrame, cap: int, kind: str, said: str) -> Iterator[str]:
    row = counted.where(F.col("n") > cap).agg(F.count(F.lit(1)).alias("many"), F.max("n").alias("most")).first()
    if row and row["many"]:
        many = f"{row['many']:,} {kind}{'s' if row['many'] > 1 else ''}"
        yield f"{many} above the cap of {cap}: up to {row['most']:,} {said}"


def tie_counts(context: Context, members: DataFrame) -> dict[tuple[str, str], int]:
    """How many members each kind of link ties to another member of their leak group: by group and kind.

    members: leak_group_id, document_id."""
    lake = context.lake
    matched = match_pairs(lake.read(DUPLICATE_MATCHES)).join(members, "document_id").groupBy("leak_group_id")
    by_match = matched.agg(F.lit("match").alias("kind"), F.count_distinct("document_id").alias("n"))
    cap = context.recipe.params["assign_splits"].model_dump()["revision_cap"]
    every_key = link_keys(lake.read(DOCUMENTS), declared_links(cleaned_in_force(context)), LINK_KINDS, cap)
    keys = every_key.join(members, "document_id").groupBy("leak_group_id", "kind", "link")
    shared = keys.agg(F.count_distinct("document_id").alias("n")).where("n > 1")
    by_key = shared.groupBy("leak_group_id", "kind").agg(F.sum("n").alias("n"))
    return {(row["leak_group_id"], row["kind"]): row["n"] for row in by_match.union(by_key).collect()}


def weakest_links(context: Context, groups: Sequence[str]) -> dict[str, list[Row]]:
    """The least similar matches within each of these leak groups, the weakest first: low_id, high_id, similarity.

    Documents of other datasets of the lake may be among them: these tie too."""
    splits = context.lake.read(SPLITS).where(F.col("leak_group_id").isin(list(groups)))
    one, other = (
        splits.select("leak_group_id", F.col("document_id").alias(name)) for name in ("document_id", "other_id")
    )
    pairs = match_pairs(context.lake.read(DUPLICATE_MATCHES)).join(one, "document_id")
    ends = [F.least("document_id", "other_id").alias("low_id"), F.greatest("document_id", "other_id").alias("high_id")]
    inner = pairs.join(other, ["leak_group_id", "other_id"]).groupBy("leak_group_id", *ends)
    # A pair may be matched from both ends and under several fingerprints: it is as strong as its strongest match.
    links = inner.agg(F.max("similarity").alias("similarity"))
    order = Window.partitionBy("leak_group_id").orderBy("similarity", "low_id", "high_id")
    found = links.withColumn("place", F.row_number().over(order)).where(F.col("place") <= WEAKEST)
    rows = found.orderBy("leak_group_id", "place").collect()
    return {group: [row for row in rows if row["leak_group_id"] == group] for group in groups}


def _link(row: Row) -> str:
    return f"{row['low_id'][:ID_DIGITS]} and {row['high_id'][:ID_DIGITS]} ({row['similarity']:.3f})"
