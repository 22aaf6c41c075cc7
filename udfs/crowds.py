"""Pairs that meet in crowded members: shingles that very many documents of two splits have, as those of one template.

A join on such a shingle has a row for every pair of its documents, and a template has a hundred shingles.  Here each
pair is looked at once: a product of two sparse matrices, documents by members, tells how many members it shares.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from udfs.prefixes import COARSE, FINE, members_behind

CROWD_SCHEMA = "document_id string, other_id string, split string, other_split string, left_out bigint"
NAMES = [field.split()[0] for field in CROWD_SCHEMA.split(", ")]
RANKS = pa.array(["train", "val", "test"])
# Pairs looked at together: some 50 bytes each.
PAIRS_AT_ONCE = 4_000_000
# With more pairs than this between two blocks they are counted, not given: the caller refuses them.
MOST_PAIRS = 1_000_000

Places = tuple[NDArray[np.intp], NDArray[np.intp]]


def crowded_pairs(lower: pa.Table, higher: pa.Table, threshold: float) -> pa.Table:
    """Return the pairs of a lower and a higher split whose crowded prefix members alone allow the threshold.

    Input columns: document_id, split, grain, num (members of the set), members (list: its crowded prefix members).
    Output columns: CROWD_SCHEMA; above MOST_PAIRS one row of a grain without ids, their number as left_out.
    """
    found = []
    for grain in (FINE, COARSE):
        low, high = (side.filter(pc.equal(side["grain"], grain)) for side in (lower, higher))
        left, right = meeting_places(low, high, threshold)
        found.append(_named(low.take(left), high.take(right)) if len(left) <= MOST_PAIRS else _counted(len(left)))
    return pa.concat_tables(found)


def meeting_places(lower: pa.Table, higher: pa.Table, threshold: float) -> Places:
    """Return the rows (lower [p], higher [p]) of the pairs of one grain."""
    sides = (lower, higher)
    left, right = _documents_by_members([side["members"] for side in sides])
    nums = [side["num"].to_numpy() for side in sides]
    behind = [members_behind(num, threshold) for num in nums]
    ranks = [pc.index_in(side["split"], RANKS).to_numpy() for side in sides]
    at_once = max(1, PAIRS_AT_ONCE // max(1, len(higher)))
    found: list[Places] = [(np.zeros(0, np.intp), np.zeros(0, np.intp))]
    for first in range(0, len(lower), at_once):
        shared = (left[first : first + at_once] @ right.T).tocoo()
        low, high = shared.row + first, shared.col
        num, other = nums[0][low], nums[1][high]
        most = shared.data + np.maximum(behind[0][low], behind[1][high])
        fits = np.minimum(num, other) >= np.maximum(num, other) * (threshold - 1e-9)
        fits &= (ranks[0][low] < ranks[1][high]) & (most >= threshold / (1 + threshold) * (num + other) - 1e-6)
        found.append((low[fits], high[fits]))
    lows, highs = zip(*found, strict=True)
    return np.concatenate(lows), np.concatenate(highs)


def _documents_by_members(lists: list[pa.ChunkedArray]) -> list[sparse.csr_array]:
    """Return a matrix of ones and zeros for each side, with a column for each member of either."""
    flat = [pc.list_flatten(one).to_numpy() for one in lists]
    known, columns = np.unique(np.concatenate(flat), return_inverse=True)
    matrices = []
    for one, place in zip(lists, np.split(columns, [len(flat[0])]), strict=True):
        ends = np.concatenate([[0], np.cumsum(pc.list_value_length(one).to_numpy())])
        matrices.append(sparse.csr_array((np.ones(len(place), np.int32), place, ends), (len(one), len(known))))
    return matrices


def _named(lower: pa.Table, higher: pa.Table) -> pa.Table:
    ids, splits = ([side[name] for side in (lower, higher)] for name in ("document_id", "split"))
    return pa.table([*ids, *splits, pa.nulls(len(lower), pa.int64())], NAMES)


def _counted(pairs: int) -> pa.Table:
    return pa.table([*[pa.nulls(1, pa.string())] * 4, pa.array([pairs], pa.int64())], NAMES)
