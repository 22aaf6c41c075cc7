"""Remove the near-duplicates of a Parquet file with another library, by that library's own Python interface.

    python peer.py rensa|datasketch corpus.parquet kept.parquet

Runs in the library's own environment, so it imports nothing of Sluice.  Both are given the runs of 5 units of every
text (words; ideographs) and remove a document that they estimate alike to an earlier one from 0.7 up.
"""

import re
import sys
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

UNIT = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
THRESHOLD, HASHES, BANDS, RUN, AT_ONCE = 0.7, 128, 16, 5, 10_000


def runs(text: str) -> list[str]:
    """The runs of 5 units of a text."""
    found = UNIT.findall(text.lower())
    return [" ".join(found[i : i + RUN]) for i in range(max(1, len(found) - RUN + 1))]


def rensa(texts: list[str]) -> set[int]:
    """The rows that rensa removes: signatures and look-ups by batches, candidates checked by their signatures."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(THRESHOLD, HASHES, BANDS)
    signed: list[RMinHash] = []
    for begin in range(0, len(texts), AT_ONCE):
        signed += RMinHash.from_token_sets([runs(text) for text in texts[begin : begin + AT_ONCE]], HASHES, 1)
    index.insert_pairs(list(enumerate(signed)))
    removed: set[int] = set()
    for row, candidates in enumerate(index.query_all(signed)):
        if any(other < row and signed[row].jaccard(signed[other]) >= THRESHOLD for other in candidates):
            removed.add(row)
    return removed


def datasketch(texts: list[str]) -> set[int]:
    """The rows that datasketch removes: its documented MinHash and MinHashLSH, candidates checked likewise."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=HASHES)
    signed: list[MinHash] = []
    removed: set[int] = set()
    for row, text in enumerate(texts):
        minhash = MinHash(num_perm=HASHES)
        minhash.update_batch([run.encode() for run in set(runs(text))])
        if any(minhash.jaccard(signed[other]) >= THRESHOLD for other in index.query(minhash)):
            removed.add(row)
        signed.append(minhash)
        index.insert(row, minhash)
    return removed


PEERS: dict[str, Callable[[list[str]], set[int]]] = {"rensa": rensa, "datasketch": datasketch}

if __name__ == "__main__":
    table = pq.read_table(sys.argv[2])
    removed = PEERS[sys.argv[1]](table.column("text").to_pylist())
    ids = table.column("id").to_pylist()
    pq.write_table(pa.table({"id": [one for row, one in enumerate(ids) if row not in removed]}), sys.argv[3])
