"""Near vectors among documents: products within the cells of a coarse quantiser, never a join of all with all."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.match_rows import by_document, held, left_out, match_rows
from jobs.frames.split_order import rank_of
from udfs.semantic_cells import ENTRIES_SCHEMA, PAIRS_SCHEMA, NewVectors, cell_batches, entry_batches, scan_batches
from udfs.vectors import Vectors, vectors_of

# Cells in which a vector looks for others: its own and the next ones.
PROBES = 3
# New vectors that every task gets, 2 KB each, so that those of all others stay where they are.
MOST_SENT = 10_000
LEAST_TASKS, ENTRIES_A_TASK = 8, 100_000


def semantic_pairs(vectors: DataFrame, centres: Vectors, threshold: float) -> DataFrame:
    """Columns left_doc, right_doc, similarity (cosine, 6 digits): pairs from the threshold up of which one is new; and
    missed, in rows of their own with the document as left_doc: near ones that were too many to tell.

    Input columns: doc (long), is_new, vector."""
    sizes = vectors.agg(F.count("doc").alias("all"), F.count_if("is_new").alias("new")).first()
    num_all, num_new = (sizes["all"], sizes["new"]) if sizes else (0, 0)
    if num_new <= MOST_SENT and num_new * 4 <= num_all:
        new = vectors.where("is_new").select("doc", "vector").orderBy("doc").toArrow()
        sent = NewVectors.of(new["doc"].to_numpy(), vectors_of(new["vector"]), centres, PROBES)
        found = vectors.mapInArrow(partial(scan_batches, new=sent, centres=centres, threshold=threshold), PAIRS_SCHEMA)
    else:
        tasks = max(LEAST_TASKS, num_all * PROBES // ENTRIES_A_TASK)
        entries = vectors.mapInArrow(partial(entry_batches, centres=centres, probes=PROBES), ENTRIES_SCHEMA)
        found = entries.repartition(tasks, "cell").mapInArrow(partial(cell_batches, threshold=threshold), PAIRS_SCHEMA)
    return found


def semantic_matches(new_documents: DataFrame, embeddings: DataFrame, blocks: DataFrame, threshold: float) -> DataFrame:
    """Columns document_id, method, matches, uncompared; one row for every new document that has a vector.

    Input columns: document_id; document_id, vector of all documents that have one; block_id, vector."""
    centres = vectors_of(blocks.select("block_id", "vector").orderBy("block_id").toArrow()["vector"])
    fresh = new_documents.select("document_id", F.lit(True).alias("new"))
    named = embeddings.select(F.xxhash64("document_id").alias("doc"), "document_id", "vector").join(
        fresh, "document_id", "left"
    )
    vectors = named.withColumn("is_new", F.coalesce("new", F.lit(False))).drop("new")
    # Kept: the pairs are read twice, and the products are the work.
    found = semantic_pairs(vectors.select("doc", "is_new", "vector"), centres, threshold).localCheckpoint()
    pairs = found.where("right_doc IS NOT NULL").groupBy("left_doc", "right_doc")
    best = pairs.agg(F.max("similarity").alias("similarity"))  # a pair that met in two cells
    for side in ("left", "right"):
        names = vectors.select(
            F.col("doc").alias(f"{side}_doc"),
            F.col("document_id").alias(f"{side}_id"),
            F.col("is_new").alias(f"{side}_new"),
        )
        best = best.join(names, f"{side}_doc")
    worked = vectors.where("is_new").select("document_id", "doc")
    return match_rows(worked, by_document(held(best)), left_out(found), "semantic")


def near_across_splits(embeddings: DataFrame, blocks: DataFrame, placed: DataFrame, threshold: float) -> DataFrame:
    """Columns document_id, other_id, split, other_split, method, similarity: near vectors in two splits, the lower one
    first.  Input columns: document_id, vector; block_id, vector; document_id, split."""
    centres = vectors_of(blocks.select("block_id", "vector").orderBy("block_id").toArrow()["vector"])
    ranked = embeddings.join(placed, "document_id").withColumn("doc", F.xxhash64("document_id"))
    # What is held out meets all; train alone needs not.
    vectors = ranked.select("doc", (F.col("split") != "train").alias("is_new"), "vector")
    pairs = semantic_pairs(vectors, centres, threshold).where("right_doc IS NOT NULL").localCheckpoint()
    names = ranked.select("doc", "document_id", "split")
    both = pairs.join(names.toDF("left_doc", "document_id", "split"), "left_doc").join(
        names.toDF("right_doc", "other_id", "other_split"), "right_doc"
    )
    turned = both.select(
        F.col("other_id").alias("document_id"),
        F.col("document_id").alias("other_id"),
        F.col("other_split").alias("split"),
        F.col("split").alias("other_split"),
        "similarity",
    )
    ordered = both.select(turned.columns).union(turned).where(rank_of(F.col("split")) < rank_of(F.col("other_split")))
    ends = ("document_id", "other_id", "split", "other_split")
    best = ordered.groupBy(*ends).agg(F.max("similarity").alias("similarity"))
    return best.select(*ends, F.lit("semantic").alias("method"), "similarity")
