"""Outputs that stored tables hold: where one changes, rows of before and after would lie side by side unseen.

A digest or row below that no longer fits is no failure to paper over: raise `revision` of the job, so that its rows
are worked anew, and then write the new revision and output here.
"""

import io
import itertools
import json
import struct
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest

from jobs.clean_text import JOB as CLEAN_TEXT
from jobs.hash_shingles import JOB as HASH_SHINGLES
from jobs.ingest_records import JOB as INGEST_RECORDS
from udfs.clean_functions import CLEANERS
from udfs.clean_payloads import Mapped, Rules, clean_payloads
from udfs.minhash import sign_batches
from udfs.read_rows import FORMATS, Row, read_rows
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

CODE = '''"""Shops."""

def pay(a, /, b: int = 2, *rest: str, c="x", d: list[str] | None = None, **more) -> dict[str, float]:
    """Pay "it".

        Indented, 你好\\t\\\\.
    """

async def fetch(url: str = 'a', *, tries=3):
    "Fetch."

class Cart(Base, metaclass=Meta):
    """A cart."""
    def __init__(self, size: float = 1e-3, *items):
        """Not public."""
    @property
    def total(self) -> int:
        """The sum."""
    async def add(self, item, count=-1):
        """Add
        it."""
'''


def good(position: int, payload: str) -> Row:
    return Row(position, payload, None, None)


# A file of each format and its rows, written out and not as digests, so that they can be checked by eye.
READ = {
    "text": (
        '\ufeffone "two", three\t\n \t\n\n你好 👍\r\n{"a": 1}\\n\u2028x',
        [
            good(1, r'{"text":"one \"two\", three\t"}'),
            good(4, '{"text":"你好 👍"}'),
            good(5, '{"text":"{\\"a\\": 1}\\\\n\u2028x"}'),
        ],
    ),
    "csv": (
        '\ufeff,text,"a ""b"""\r\n0,"two\r\nlines, ""quoted""",é\r\n\r\n1,,你好\n2,short\n',
        [
            good(2, r'{"column_1":"0","text":"two\r\nlines, \"quoted\"","a \"b\"":"é"}'),
            good(5, r'{"column_1":"1","text":"","a \"b\"":"你好"}'),
            Row(6, None, "bad_csv_row", "found 2 fields, expected 3"),
        ],
    ),
    "csv ;": ("a;b\n1,5;'x'\n", [good(2, r"""{"a":"1,5","b":"'x'"}""")]),
    "tsv": (
        'id\ttext\t\n1\t"a lone quote\t \n2\tit\'s, "so"\t你好\n',
        [
            good(2, r'{"id":"1","text":"\"a lone quote","column_3":" "}'),
            good(3, r"""{"id":"2","text":"it's, \"so\"","column_3":"你好"}"""),
        ],
    ),
    "json": (
        '\ufeff{"b": 1.0, "a": {"c": ["\\u00e9é", null, {"d": true}]}}\n\n'
        ' {"turns":[{"role":"user"}], "n": 1e2} \r\n[1]\n',
        [
            good(1, r'{"b": 1.0, "a": {"c": ["\u00e9é", null, {"d": true}]}}'),
            good(3, ' {"turns":[{"role":"user"}], "n": 1e2} '),
            Row(4, None, "not_an_object", "found list, expected an object"),
        ],
    ),
    "file": (
        "\ufeffone\r\n\t你好 👍\n",
        [good(1, r'{"text":"one\r\n\t你好 👍\n","name":"_cart.py","path":"shop/_cart.py"}')],
    ),
    "python": (
        CODE,
        [
            good(
                1,
                '{"name":"shop._cart","kind":"module","signature":"shop._cart","group":"shop._cart",'
                '"prompt":"What does the Python module `shop._cart` provide?","response":"Shops.","package":"shop"}',
            ),
            good(
                3,
                '{"name":"shop._cart.pay","kind":"function","signature":"pay(a, /, b: int=2, *rest: str, c=\'x\', '
                'd: list[str] | None=None, **more) -> dict[str, float]","group":"shop._cart.pay",'
                '"prompt":"What does the function `pay(a, /, b: int=2, *rest: str, c=\'x\', '
                'd: list[str] | None=None, **more) -> dict[str, float]` of the Python module `shop._cart` do?",'
                r'"response":"Pay \"it\".\n\nIndented, 你好    \\.","package":"shop"}',
            ),
            good(
                9,
                '{"name":"shop._cart.fetch","kind":"function","signature":"fetch(url: str=\'a\', *, tries=3)",'
                '"group":"shop._cart.fetch","prompt":"What does the function `fetch(url: str=\'a\', *, tries=3)` '
                'of the Python module `shop._cart` do?","response":"Fetch.","package":"shop"}',
            ),
            good(
                12,
                '{"name":"shop._cart.Cart","kind":"class","signature":"Cart(size: float=0.001, *items)",'
                '"group":"shop._cart.Cart","prompt":"What is the class `Cart(size: float=0.001, *items)` of '
                '`shop._cart` for, and how is it used?","response":"A cart.","package":"shop"}',
            ),
            good(
                17,
                '{"name":"shop._cart.Cart.total","kind":"method","signature":"total","group":"shop._cart.Cart",'
                '"prompt":"What does the attribute `total` of the class `shop._cart.Cart` hold?",'
                '"response":"The sum.","package":"shop"}',
            ),
            good(
                19,
                '{"name":"shop._cart.Cart.add","kind":"method","signature":"add(self, item, count=-1)",'
                '"group":"shop._cart.Cart","prompt":"How does the method `add(self, item, count=-1)` of the class '
                r'`shop._cart.Cart` work?","response":"Add\nit.","package":"shop"}',
            ),
        ],
    ),
}


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
    assert (CLEAN_TEXT.revision, json_digest(found)) == (3, "be55306e36e617d956a9507f40ed24ac")


def test_signatures() -> None:
    texts = batches(document_id=[f"d{place}" for place in range(len(TEXTS))], text=list(TEXTS))
    found = [row for batch in sign_batches(texts, ShingleRule(), 128, 32, 4, 1) for row in batch.to_pylist()]
    assert len(found) == len(TEXTS)
    for row, grain in itertools.product(found, ("fine", "coarse")):
        stored = row.pop(f"{grain}_shingles")
        row[grain] = stored and [
            member - 2**31 for (member,) in struct.iter_unpack("<I", stored)
        ]  # as revision 2 stored
    assert (HASH_SHINGLES.revision, json_digest(found)) == (3, "6a11d9062f4fafa6f7a0e82a3d291d3b")


def test_record_ids() -> None:
    keys: tuple[Key, ...] = (1, "1", 1.5, True, ["a", 1])
    ids = [keyed_record_id("s", key) for key in keys]
    ids += [keyless_record_id("s", text, place) for place, text in enumerate(TEXTS)]
    assert len(set(ids)) == len(ids)
    assert (INGEST_RECORDS.revision, json_digest(ids)) == (1, "72f7d43a1ed52b68032b05811292d416")


@pytest.mark.parametrize("format", READ)
def test_payloads(format: str) -> None:
    data, rows = READ[format]
    found = list(read_rows(io.BytesIO(data.encode()), format, "shop/_cart.py"))
    cure = "raise the revision of jobs/ingest_records.py, then write the new revision and rows here"
    assert (INGEST_RECORDS.revision, found) == (1, rows), cure


def test_payloads_of_json_that_is_not_one_object_a_line() -> None:
    whole = '[{"b": 1.0, "a": "你 好"},\n {\n  "b" : 10000000000000000000000,\n\t"a": " \\n\\" "\r\n}]{"c":[ 1,\n2]}'
    found = list(read_rows(io.BytesIO(whole.encode()), "json", "a.json"))
    assert (INGEST_RECORDS.revision, found) == (
        1,
        [
            good(1, '{"b": 1.0, "a": "你 好"}'),
            good(2, r'{"b":10000000000000000000000,"a":" \n\" "}'.replace(r"\\", "\\")),
            good(3, '{"c":[1,2]}'),
        ],
    )


def test_every_format_has_payloads() -> None:
    assert {format.partition(" ")[0] for format in READ} == set(FORMATS)
