import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from udfs.jaccard import GRAINS
from udfs.minhash import EMPTY, band_keys, shingle_batches, sign_batches, signatures
from udfs.shingles import ShingleRule, Shingles, shingle

RULE = ShingleRule()


def grain_of(sets: list[NDArray[np.uint32]]) -> Shingles:
    counts = np.array([len(each) for each in sets])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Shingles(offsets, np.concatenate(sets).astype(np.uint32), counts > 0)


def pairs(num: int, size: int, shared: int) -> tuple[Shingles, Shingles]:
    """`num` pairs of sets of `size` random hashes of which `shared` are common."""
    drawn = np.random.default_rng(1).integers(0, 2**32, (num, 2 * size - shared), dtype=np.uint32)
    return grain_of(list(drawn[:, :size])), grain_of(list(drawn[:, size - shared :]))


def equal_share(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = (left == right).mean(axis=1)
    return shares


@pytest.mark.parametrize(("size", "shared"), [(6, 4), (30, 15), (196, 131), (1000, 667)])
def test_estimates_jaccard_without_bias(size: int, shared: int) -> None:
    left, right = pairs(800, size, shared)
    estimates = equal_share(signatures(left), signatures(right))
    truth = shared / (2 * size - shared)
    spread = truth * (1 - truth) / 128
    assert abs(estimates.mean() - truth) < 4 * (spread / 800) ** 0.5
    assert 0.8 < estimates.var() / spread < 1.25  # as if the 128 hashes were independent


@pytest.mark.parametrize(("shared", "chance"), [(92, 0.23), (114, 0.56), (133, 0.87), (150, 0.99)])
def test_candidates_are_as_frequent_as_the_theory_says(shared: int, chance: float) -> None:
    left, right = pairs(1500, 200, shared)  # Jaccard .3, .4, .5, .6
    hits = (band_keys(signatures(left)) == band_keys(signatures(right))).any(axis=1)
    assert hits.mean() == pytest.approx(chance, abs=0.04)


def test_signature_is_the_least_hash() -> None:
    """With one shingle the signature is the hash itself; with more, the least of them."""
    hashes = np.array([5, 77, 2**31, 2**32 - 1], np.uint32)
    alone = signatures(grain_of([hashes[i : i + 1] for i in range(4)]))
    together = signatures(grain_of([hashes]))
    assert together[0].tolist() == alone.min(axis=0).tolist()
    assert together.shape == (1, 128) and together.dtype == np.uint32


def test_documents_without_shingles_are_marked() -> None:
    filled = np.array([1, 2], np.uint32)
    signed = signatures(grain_of([filled[:0], filled, filled[:0], filled, filled[:0]]))
    assert (signed[[0, 2, 4]] == EMPTY).all()
    assert signed[1].tolist() == signed[3].tolist() == signatures(grain_of([filled]))[0].tolist()
    assert signatures(grain_of([filled[:0]])).shape == (1, 128)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    left, _ = pairs(30, 17, 0)
    whole = signatures(left)
    monkeypatch.setattr("udfs.minhash.CHUNK_SHINGLES", 40)
    assert (signatures(left) == whole).all()


def test_seeds_give_other_hashes() -> None:
    left, _ = pairs(20, 50, 0)
    assert equal_share(signatures(left, seed=0), signatures(left, seed=1)).max() < 0.1
    assert signatures(left, num_hashes=16).tolist() == signatures(left, num_hashes=16).tolist()


def test_band_keys_depend_on_rows_band_and_salt() -> None:
    signed = np.tile(np.array([[7, 8, 9, 10]], np.uint32), (2, 3))
    signed[1, 5] += np.uint32(1)
    keys = band_keys(signed, bands=3, rows=4)
    assert keys.dtype == np.int64 and keys.shape == (2, 3)
    assert (keys[0] == keys[1]).tolist() == [True, False, True]
    assert len({*keys[0].tolist(), *band_keys(signed, bands=3, rows=4, salt=1)[0].tolist()}) == 6


def test_refuses_more_bands_than_hashes() -> None:
    with pytest.raises(ValueError, match="need 132 hashes, got 128"):
        band_keys(np.zeros((1, 128), np.uint32), bands=33)


TEXTS = ["我爱北京", "", "🙂", "w1 w2 w3 w4 w5 " * 9, "long words here " + " ".join(map(str, range(99))), None, "a"]


def batch(texts: list[str | None], first: int = 0) -> pa.RecordBatch:
    ids = [f"d{first + i}" for i in range(len(texts))]
    return pa.RecordBatch.from_pydict({"document_id": ids, "text": pa.array(texts, pa.string())})


def signed_rows(batches: Iterator[pa.RecordBatch]) -> list[dict[str, object]]:
    return [row for part in sign_batches(batches, RULE) for row in part.to_pylist()]


def test_sign_batches_gives_one_row_a_document() -> None:
    (signed,) = sign_batches(iter([batch(TEXTS)]), RULE)
    assert signed.schema == pa.schema(
        {
            "document_id": pa.string(),
            "fine_shingles": pa.binary(),
            "coarse_shingles": pa.binary(),
            "band_keys": pa.list_(pa.int64()),
        }
    )
    rows = signed.to_pylist()
    assert [row["document_id"] for row in rows] == [f"d{i}" for i in range(7)]
    # "w1w2w3w4w5" repeats: 10 different runs of 5 characters, 5 of 3 words
    sizes = [[one and len(one) // 4 for one in signed.column(name).to_pylist()] for name in GRAINS]
    assert sizes == [[3, None, None, 10, None, None, 1], [None, None, None, 5, 100, None, None]]
    assert [len(row["band_keys"]) for row in rows] == [32, 0, 0, 64, 32, 0, 32]


def test_lists_and_keys_are_those_of_the_cores() -> None:
    text = TEXTS[3] or ""
    (row,) = signed_rows(iter([batch([text])]))
    fine, coarse = shingle([text], RULE)
    for name, grain in zip(GRAINS, (fine, coarse), strict=True):
        assert row[name] == struct.pack(f"<{len(grain.hashes)}I", *sorted(grain.hashes.tolist()))
    assert row["band_keys"] == [
        *band_keys(signatures(fine), salt=1)[0].tolist(), *band_keys(signatures(coarse), salt=2)[0].tolist()
    ]  # fmt: skip


@pytest.mark.parametrize("slice_bytes", [1, 30, 1000])
def test_slices_and_batches_do_not_show(slice_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = signed_rows(iter([batch(TEXTS)]))
    monkeypatch.setattr("udfs.minhash.SLICE_BYTES", slice_bytes)
    assert signed_rows(iter([batch(TEXTS[:3]), batch([]), batch(TEXTS[3:], first=3)])) == whole
    reverse = batch(TEXTS).take(pa.array(range(6, -1, -1)))
    assert signed_rows(iter([reverse])) == whole[::-1]


def test_shingle_batches_gives_the_same_lists() -> None:
    (signed,) = sign_batches(iter([batch(TEXTS)]), RULE)
    (cut,) = shingle_batches(iter([batch(TEXTS)]), RULE)
    assert cut == signed.select(["document_id", *GRAINS])
