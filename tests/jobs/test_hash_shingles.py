"""Signatures of documents: equal texts have equal keys, one without shingles has none, all as the core signs."""

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.frames.shingling import Shingling
from jobs.hash_shingles import JOB, Params, transform
from jobs.runtime.fingerprints import all_fingerprints
from jobs.runtime.recipe import Recipe, Tracking
from schemas.documents import DOCUMENTS
from tests.conftest import frame, rows
from udfs.minhash import sign_batches
from udfs.shingles import ShingleRule

TEXTS = {
    "a": "one two three four",
    "b": "One, two; three four!",
    "c": "five six seven eight",
    "d": "!?",
    "e": "one two",
}


@pytest.mark.spark
def test_every_document_is_signed_as_by_the_pure_core(spark: SparkSession) -> None:
    documents = frame(spark, DOCUMENTS.columns, *({"document_id": k, "text": v} for k, v in TEXTS.items()))
    params = Params(shingles=Shingling(words=2), bands=4, rows=2, seed=3, tasks=2)
    signed = transform(documents, params)
    found = rows(signed, "document_id")
    batch = pa.record_batch({"document_id": list(TEXTS), "text": list(TEXTS.values())})
    core = pa.Table.from_batches(sign_batches([batch], ShingleRule.words(2), 8, 4, 2, 3)).to_pylist()
    assert found == [{name: row[name] for name in signed.columns} for row in core]
    by_id = {row["document_id"]: row for row in found}
    assert by_id["a"]["band_keys"] == by_id["b"]["band_keys"] and len(set(by_id["a"]["band_keys"])) == 4
    assert not set(by_id["a"]["band_keys"]) & set(by_id["c"]["band_keys"])
    assert by_id["d"]["band_keys"] == []
    assert transform(documents, params).select(F.spark_partition_id()).distinct().count() == 2


def test_how_many_share_the_work_is_not_in_the_fingerprint() -> None:
    def print_of(params: Params) -> object:
        return all_fingerprints((JOB,), Recipe("r", "d", "lake", Tracking(), (), {"hash_shingles": params}))

    assert print_of(Params(tasks=64)) == print_of(Params())
    assert print_of(Params(bands=16)) != print_of(Params())
