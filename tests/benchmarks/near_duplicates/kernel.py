"""Remove the near-duplicates of a Parquet file in one process, with the functions that the jobs run in Spark.

    python kernel.py corpus.parquet kept.parquet

Reads columns id and text; writes the ids that stay: one of each group of alike documents.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from udfs.jaccard import jaccard  # after the path is set
from udfs.minhash import sign_batches
from udfs.shingles import ShingleRule
from udfs.union_find import components

THRESHOLD = 0.7
MOST_APART = 100  # places of a bucket's documents that are still compared: the cost of a bucket stays linear


def main() -> None:
    """Read, sign, band, check, group, write."""
    read = pq.ParquetFile(sys.argv[1]).iter_batches(8192, columns=["id", "text"])
    named = (batch.rename_columns(["document_id", "text"]) for batch in read)
    signed = pa.Table.from_batches(sign_batches(named, ShingleRule.words(5)))
    pairs = candidates(signed.column("band_keys").combine_chunks())
    shingles = signed.column("coarse_shingles").combine_chunks()
    alike = pairs[jaccard(shingles.take(pa.array(pairs[:, 0])), shingles.take(pa.array(pairs[:, 1]))) >= THRESHOLD]
    ids = signed.column("document_id").cast(pa.string()).combine_chunks()
    nodes, smallest = components(ids.take(pa.array(alike[:, 0])), ids.take(pa.array(alike[:, 1])))
    removed = nodes.filter(pc.not_equal(nodes, smallest))
    pq.write_table(pa.table({"id": ids.filter(pc.invert(pc.is_in(ids, removed))).cast(pa.int64())}), sys.argv[2])


def candidates(band_keys: pa.ListArray) -> NDArray[np.int64]:
    """The pairs [n, 2] of documents that share a band key, each once.

    Key and document share 64 bits, so that one sort of plain numbers brings documents of a key together.  Of 140,000
    documents two different keys look the same with chance 0.1, and then one pair more is compared."""
    sizes = np.diff(band_keys.offsets.to_numpy())
    low = np.uint64((1 << len(sizes).bit_length()) - 1)
    documents = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes)
    entries = (band_keys.flatten().to_numpy().view(np.uint64) & ~low) | documents
    entries.sort()
    documents, keys = (entries & low).astype(np.int64), entries & ~low
    pairs = [np.zeros(0, np.int64)]
    for apart in range(1, MOST_APART):
        met = np.flatnonzero(keys[apart:] == keys[:-apart])
        if not len(met):
            break
        pairs.append((documents[met] << 32) | documents[met + apart])
    packed = np.unique(np.concatenate(pairs))
    return np.stack([packed >> 32, packed & 0xFFFFFFFF], axis=1)


if __name__ == "__main__":
    main()
