"""Outputs that stored tables hold: where one changes, rows of before and after would lie side by side unseen.

A digest below that no longer fits is no failure to paper over: raise `revision` of the job, so that its rows are
worked anew, and then write the new revision and digest here.
"""

import json
from collections.abc import Iterator, Sequence

import pyarrow as pa

from jobs.clean_text import JOB as CLEAN_TEXT
from jobs.hash_shingles import JOB as HASH_SHINGLES
from jobs.ingest_records import JOB as INGEST_RECORDS
from udfs.clean_functions import CLEANERS
from udfs.clean_payloads import Mapped, Rules, clean_payloads
from udfs.minhash import sign_batches
from udfs.record_ids import Key, json_digest, keyed_record_id, keyless_record_id
from udfs.shingles import ShingleRule

TEXTS = [
    "The quick brown fox jumps over the lazy dog, and then it does so once more.",
    "质量很好，物流也快，下次还会再来买的！",
    "这件衣服的颜色和图片上的不太一样，但是面料摸起来很舒服，穿了一天也没有起球，总体来说还是比较满意的，推荐购买。",
    "今日はとても良い天気ですね。散歩に行きましょう。",
    "Ｆｕｌｌ－ｗｉｄｔｈ　letters, ligatures (ﬁ) and «quotes» …",
    "mixed 中文 and English 文本 in one line, twice: 中文 and English",
    "  indented\u00a0text \u200bwith\ttabs  \r\n\r\n\r\n\r\nand breaks  ",
    "donâ€™t panic: cafÃ© au lait",
    "dÃ©jÃ  vu, a lost \ufffd character, and a word too long to be one: " + "ACGTTGCA" * 9,
    "commune de L'Haÿ-les-Roses",
    "short",
    "",
]


def batches(**columns: Sequence[object]) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pydict({name: list(values) for name, values in columns.items()})


def test_cleaned_records() -> None:
    chat = {"messages": [{"role": "user", "content": TEXTS[0]}, {"role": "assistant", "content": TEXTS[1]}]}
    payloads = [json.dumps({"text": text, "l": place, "g": place % 3}) for place, text in enumerate(TEXTS)]
    count = len(payloads) + 1
    rows = batches(
        record_id=[f"r{place}" for place in range(count)],
        revision=[1] * count,
        source=["texts"] * len(payloads) + ["chats"],
        path=["p"] * count,
        position=list(range(count)),
        payload=[*payloads, json.dumps(chat)],
    )
    mapped = {
        "texts": Mapped({"text": "text", "label": "l", "group": "g"}, None, "MIT"),
        "chats": Mapped({"messages": "messages"}, "talk", None),
    }
    rules = Rules(tuple(CLEANERS), 2, 1000, None, 0.0, None, None)
    found = [row for batch in clean_payloads(rows, mapped, rules) for row in batch.to_pylist()]
    assert len(found) == count
    assert (CLEAN_TEXT.revision, json_digest(found)) == (2, "be55306e36e617d956a9507f40ed24ac")


def test_signatures() -> None:
    texts = batches(document_id=[f"d{place}" for place in range(len(TEXTS))], text=list(TEXTS))
    found = [row for batch in sign_batches(texts, ShingleRule(), 128, 32, 4, 1) for row in batch.to_pylist()]
    assert len(found) == len(TEXTS)
    assert (HASH_SHINGLES.revision, json_digest(found)) == (2, "6a11d9062f4fafa6f7a0e82a3d291d3b")


def test_record_ids() -> None:
    keys: tuple[Key, ...] = (1, "1", 1.5, True, ["a", 1])
    ids = [keyed_record_id("s", key) for key in keys]
    ids += [keyless_record_id("s", text, place) for place, text in enumerate(TEXTS)]
    assert len(set(ids)) == len(ids)
    assert (INGEST_RECORDS.revision, json_digest(ids)) == (1, "72f7d43a1ed52b68032b05811292d416")
