"""Rule 6: what binds, what lends, how a split is drawn. Every case is a corner of one frame."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from jobs.assign_splits import Params, transform
from jobs.frames.links import declared_links
from schemas.splits import SPLITS
from tests.conftest import matches_frame, rows
from udfs.folding import fold_digest

PARAMS = Params(train=0.5, val=0.25, test=0.25, salt="s", prompt_cap=2, revision_cap=2)

Row = dict[str, Any]
# document_id, text, prompt
Document = tuple[str, str, str | None]
# record_id, document_id, revision, groups
Record = tuple[str, str, int, list[str]]


def assign(
    spark: SparkSession,
    new: Sequence[Document],
    old: Sequence[Document] = (),
    splits: Sequence[Row] = (),
    records: Sequence[Record] = (),
    matches: Iterable[tuple[str, str]] = (),
    params: Params = PARAMS,
) -> list[Row]:
    """Rows that the transform gives. matches: (holder, other)."""
    described = [(i, fold_digest(text), prompt and fold_digest(prompt)) for i, text, prompt in (*new, *old)]
    documents = spark.createDataFrame(described, "document_id string, fold_digest string, prompt_digest string")
    cleaned = spark.createDataFrame(
        [(record, document, revision, revision, groups) for record, document, revision, groups in records],
        "record_id string, document_id string, revision bigint, batch bigint, groups array<string>",
    )
    found = transform(
        documents.where(documents.document_id.isin([one[0] for one in new])),
        documents,
        cleaned,
        matches_frame(spark, [(holder, [(other, 0.5)]) for holder, other in matches]),
        spark.createDataFrame([tuple(one[name] for name in SPLITS.columns.names) for one in splits], SPLITS.columns),
        declared_links(cleaned),
        params,
    )
    assert found.columns == SPLITS.columns.names
    return rows(found, "document_id")


def row(document_id: str, split: str, reason: str, group: str, *drop: str) -> Row:
    reasons = dict(zip(("drop_reason", "drop_value", "drop_threshold"), (*drop, None, None, None), strict=False))
    return {"document_id": document_id, "split": split, "reason": reason, "leak_group_id": group, **reasons}


def plain_texts(names: Iterable[str]) -> list[Document]:
    """Documents whose texts are their names: nothing ties them."""
    return [(name, name, None) for name in names]


def drawn(component: str, params: Params = PARAMS) -> str:
    place = int(hashlib.sha256(f"{params.salt}|{component}".encode()).hexdigest()[:8], 16) / 2**32
    return "train" if place < params.train else "val" if place < params.train + params.val else "test"


def one_that_draws(split: str, prefix: str) -> str:
    """A name that the salt sends to the split."""
    return next(name for name in (f"{prefix}{n}" for n in range(100)) if drawn(name) == split)


@pytest.mark.spark
def test_every_kind_of_key_binds_new_documents(spark: SparkSession) -> None:
    new: list[Document] = [
        *plain_texts(["match1", "match2", "match3"]),
        *[("fold1", "Ok!", None), ("fold2", "ｏｋ", None)],  # short, and equal after folding
        # an empty fold counts as the text itself: a text and a chat of the same two marks, and other marks
        *[("mark1", "?!", None), ("mark2", "?!", None), ("mark3", "!?", None)],
        *[("prompt1", "a", "What is a lake?"), ("prompt2", "b", "what is a LAKE")],
        *[(f"generic{n}", f"answer {n}", "Summarise this.") for n in range(3)],  # three share it, the cap is two
        *[("none1", "x1", None), ("none2", "x2", None)],  # texts have no prompt: null binds nothing
        *plain_texts(["group1", "group2", "group3", "group4"]),
        # a text has letters enough to meet a fold of another kind, but links of two kinds never meet
        *[("kind1", "faq", None), ("kind2", "other", "faq")],
    ]
    found = assign(
        spark,
        new,
        records=[
            ("r1", "group1", 1, ["faq/thread=7"]),
            ("r2", "group2", 1, ["faq/author=x", "faq/thread=7"]),
            ("r3", "group3", 1, ["web/thread=7"]),  # another source
            ("r4", "group4", 1, ["faq/author=7"]),  # another key name
        ],
        matches=[("match2", "match1"), ("match3", "match2")],
    )
    components = {
        **{name: "match1" for name in ("match1", "match2", "match3")},
        **{name: "fold1" for name in ("fold1", "fold2")},
        **{name: "mark1" for name in ("mark1", "mark2")},
        **{name: "prompt1" for name in ("prompt1", "prompt2")},
        **{name: "group1" for name in ("group1", "group2")},
    }
    expected = [row(name, drawn(root), "hash", root) for name, root in ((n, components.get(n, n)) for n, _, _ in new)]
    assert found == sorted(expected, key=lambda one: one["document_id"])
    assert {one["split"] for one in found} == {"train", "val", "test"}


@pytest.mark.spark
def test_old_documents_lend_but_do_not_conduct(spark: SparkSession) -> None:
    old = {
        "train1": row("train1", "train", "hash", "g-train1"),
        "test1": row("test1", "test", "hash", "g-test1"),
        "test2": row("test2", "test", "hash", "g-test0"),
        **{f"val{n}": row(f"val{n}", "val", "hash", f"g-val{n}") for n in (1, 2, 3, 4)},
        "large1": row("large1", "test", "lent", "g-large1", "large_group", "6", "5.0"),
        "conflict1": row("conflict1", "train", "merged", "g-conflict1", "conflict", "test, train"),
        **{f"rev{n}": row(f"rev{n}", split, "hash", f"g-rev{n}") for n, split in enumerate(("test", "val", "test"))},
    }
    old_texts: list[Document] = [
        ("train1", "old text", "old prompt"),
        *[("val2", "Val two!", None), ("val3", "another", "held out prompt")],
        *plain_texts(set(old) - {"train1", "val2", "val3"}),
    ]
    single = ["by-match", "by-match-of-old", "by-group", "by-revision", "by-common-revision", "two-groups"]
    chains = ["a-joint", "b-joint", "beside-conflict", "beside-large", "only-train", "train-and-test"]
    several = ["s-none", "s-test", "s-train", "t-held-out", "t-val"]
    new: list[Document] = [
        *plain_texts([*single, *chains, *several]),
        *[("by-fold", "VAL TWO", None), ("by-prompt", "answer", "Held-out prompt?")],
    ]
    found = assign(
        spark,
        new,
        old_texts,
        list(old.values()),
        records=[
            *[("g1", "val4", 1, ["faq/thread=1"]), ("g2", "by-group", 1, ["faq/thread=1"])],
            # the newest older text decides, not the first
            *[("r1", "rev0", 1, []), ("r1", "rev1", 2, []), ("r1", "by-revision", 3, [])],
            # three records had the older text: it does not bind
            *[(f"c{n}", "rev2", 1, []) for n in range(3)],
            ("c0", "by-common-revision", 2, []),
        ],
        matches=[
            *[("by-match", "test1"), ("test1", "by-match-of-old")],
            # the smallest leak group of several in one split
            *[("two-groups", "test1"), ("two-groups", "test2")],
            # two new documents are one component, of which one touches val
            *[("b-joint", "a-joint"), ("a-joint", "val1")],
            # train1 and test1 match each other; touching train1 alone is touching train alone
            *[("test1", "train1"), ("only-train", "train1"), ("train-and-test", "train1"), ("train-and-test", "test1")],
            *[("beside-conflict", "conflict1"), ("beside-large", "large1")],
            # one component that touches train and test, another that touches val and test
            *[("s-test", "s-none"), ("s-train", "s-none"), ("s-test", "test1"), ("s-train", "train1")],
            *[("t-val", "t-held-out"), ("t-val", "val1"), ("t-held-out", "test2")],
        ],
    )
    assert found == [
        row("a-joint", "val", "lent", "g-val1"),
        row("b-joint", "val", "lent", "g-val1"),
        row("beside-conflict", drawn("beside-conflict"), "hash", "beside-conflict"),
        row("beside-large", "test", "lent", "g-large1"),
        row("by-common-revision", drawn("by-common-revision"), "hash", "by-common-revision"),
        row("by-fold", "val", "lent", "g-val2"),
        row("by-group", "val", "lent", "g-val4"),
        row("by-match", "test", "lent", "g-test1"),
        row("by-match-of-old", "test", "lent", "g-test1"),
        row("by-prompt", "val", "lent", "g-val3"),
        row("by-revision", "val", "lent", "g-rev1"),
        row("only-train", "train", "lent", "g-train1"),
        row("s-none", "train", "merged", "g-test1"),
        row("s-test", "train", "merged", "g-test1", "conflict", "test, train"),
        row("s-train", "train", "merged", "g-test1"),
        row("t-held-out", "train", "merged", "g-test0", "conflict", "test, val"),
        row("t-val", "train", "merged", "g-test0", "conflict", "test, val"),
        row("train-and-test", "train", "merged", "g-test1", "conflict", "test, train"),
        row("two-groups", "test", "lent", "g-test0"),
    ]


@pytest.mark.spark
def test_groups_above_the_limit(spark: SparkSession) -> None:
    """The limit is max(5, half of 0.25 x all 60 documents) = 7.5. New groups above it go to train. A held-out group
    that grows past it marks its later members; train groups have no limit."""
    seven, eight = one_that_draws("test", "a"), one_that_draws("val", "b")
    in_train = one_that_draws("train", "c")
    sizes = {seven: 7, eight: 8, in_train: 9}
    groups = {root: [root, *(f"{root}-{n}" for n in range(1, size))] for root, size in sizes.items()}
    old = [
        *[row(f"old{n}", "test", "hash", "g") for n in range(5)],
        row("old5", "test", "lent", "g", "large_group", "8", "7.5"),  # keeps lending, takes no place
        *[row(f"filler{n:02}", "train", "hash", "h") for n in range(25)],
    ]
    later = ["new1", "new2", "new3", "new4"]
    found = assign(
        spark,
        plain_texts([*(name for names in groups.values() for name in names), *later, "to-train"]),
        plain_texts(one["document_id"] for one in old),
        old,
        matches=[
            *[(name, root) for root, names in groups.items() for name in names[1:]],
            # three components that lend from one leak group
            *[("new2", "new1"), ("new1", "old0"), ("new3", "old1"), ("new4", "old5"), ("to-train", "filler00")],
        ],
    )
    assert len(found) + len(old) == 60
    order = sorted(later, key=lambda name: hashlib.sha256(f"s|{name}".encode()).hexdigest())
    expected = [
        *[row(name, "test", "hash", seven) for name in groups[seven]],
        *[row(name, "train", "large_group", eight) for name in groups[eight]],
        *[row(name, "train", "hash", in_train) for name in groups[in_train]],
        *[row(name, "test", "lent", "g") for name in order[:2]],
        row(order[2], "test", "lent", "g", "large_group", "8", "7.5"),
        row(order[3], "test", "lent", "g", "large_group", "9", "7.5"),
        row("to-train", "train", "lent", "h"),
    ]
    assert found == sorted(expected, key=lambda one: one["document_id"])


def test_parameters_that_contradict_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"train \+ val \+ test must be 1, found 1.1"):
        Params(train=0.9, val=0.1, test=0.1)
    with pytest.raises(ValidationError, match="bind knows folded_text, prompt, group; found author"):
        Params(bind=("folded_text", "author"))
    with pytest.raises(ValidationError, match="bind lacks folded_text"):
        Params(bind=())
