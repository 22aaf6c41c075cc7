import random
import tracemalloc
import unicodedata
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.shingles import ShingleRule, Shingles, jaccard, shingle

Grain = frozenset[tuple[str, ...]]
RULE = ShingleRule()
SMALL = ShingleRule(overlap_spaced=(4, 6), overlap_unspaced=(5, 7))
PIECES = [
    "cat", "Dogs", "a", "état", "don't", "x1", "我", "爱你", "北京", "ガ", "です", "ไทย", "ที่", "เป็น", "한글", "ខ្មែរ",
    "हिन्दी", "🙂", "，", ".", "\n", "\u200d", "́", "ACGT" * 20, "Haÿ",
]  # fmt: skip
TEXTS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " "])), max_size=14).map(
    lambda pairs: "".join(piece + gap for piece, gap in pairs)
)


def script_of(char: str) -> str:
    """han, hangul, alphabet (no spaces between words), letter, or nothing, by the character's name."""
    name = unicodedata.name(char, "")
    if name.startswith(("CJK UNIFIED", "HIRAGANA", "KATAKANA")):
        return "han"
    if name.startswith(("THAI", "LAO", "KHMER", "MYANMAR")):
        return "alphabet"
    return "hangul" if name.startswith("HANGUL") else "letter"


def plain_characters(text: str) -> list[tuple[str, str]]:
    """(character, script) of each character, script "" where it is no letter."""
    characters: list[tuple[str, str]] = []
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for char in text.replace("\u200d", ""):
        kind = unicodedata.category(char)[0]
        before = characters[-1][1] if characters else ""
        characters.append((char, script_of(char) if kind in "LN" else before if kind == "M" else ""))
    return characters


def plain_units(text: str) -> tuple[list[tuple[str, str]], list[tuple[str, str, Fraction]]]:
    """Characters that count, and units with their size.  Letters of a run that is no word are units, not other letters
    of the fine grain: there one more or less must not change them all."""
    characters = plain_characters(text)
    letters = [pair for pair in characters if pair[1]]
    words: list[list[int]] = [[]]
    for place, (_, script) in enumerate(characters):
        if script in ("letter", "hangul"):
            words[-1].append(place)
        else:
            words.append([])
    for word in words:
        if len(word) > 64:
            for place in word:
                characters[place] = (characters[place][0], "alphabet")
    units = [
        (word[0], "".join(characters[place][0] for place in word), "spaced", Fraction(1))
        for word in words
        if 0 < len(word) <= 64
    ]
    for place, (char, script) in enumerate(characters):
        if script in ("han", "alphabet"):
            units.append((place, char, "unspaced", Fraction(1) if script == "han" else Fraction(1, 2)))
    return letters, [unit[1:] for unit in sorted(units)]


def plain_windows(items: list[str], weights: list[Fraction]) -> Grain:
    windows = set()
    for start in range(len(items)):
        for end in range(start + 1, len(items) + 1):
            if sum(weights[start:end]) >= 1:
                windows.add(tuple(items[start:end]))
                break
    return frozenset(windows or ({tuple(items)} if items else set()))


def plain_shingles(text: str, rule: ShingleRule) -> tuple[Grain, Grain]:
    """The rule in Python sets, straight from its words."""
    characters, units = plain_units(text)
    total = sum(size for *_, size in units)
    share = sum(size for _, kind, size in units if kind == "unspaced") / total if total else Fraction(0)
    low, high = (
        share * unspaced + (1 - share) * spaced
        for unspaced, spaced in zip(rule.overlap_unspaced, rule.overlap_spaced, strict=True)
    )
    lengths = {
        "letter": rule.fine_letters, "alphabet": rule.fine_unspaced,
        "han": rule.fine_syllables, "hangul": rule.fine_syllables,
    }  # fmt: skip
    fine = plain_windows([char for char, _ in characters], [Fraction(1, lengths[s]) for _, s in characters])
    coarse = plain_windows([unit for unit, *_ in units], [size / rule.coarse_units for *_, size in units])
    return fine if total <= high else frozenset(), coarse if total >= low else frozenset()


def rows(grain: Shingles) -> list[list[int]]:
    return [grain.hashes[a:b].tolist() for a, b in zip(grain.offsets[:-1], grain.offsets[1:], strict=True)]


def assert_same_as_plain(texts: list[str], rule: ShingleRule) -> None:
    """Hashed and plain sets have the same sizes, overlaps and union."""
    expected = list(zip(*(plain_shingles(text, rule) for text in texts), strict=True))
    for grain, plain in zip(shingle(texts, rule), expected, strict=True):
        hashed = [set(row) for row in rows(grain)]
        assert rows(grain) == [sorted(row) for row in hashed]
        assert [len(row) for row in hashed] == [len(row) for row in plain]
        assert grain.present.tolist() == [bool(row) for row in plain]
        assert len(set().union(*hashed)) == len(set().union(*plain))
        for (a, b), (c, d) in zip(combinations(hashed, 2), combinations(plain, 2), strict=True):
            assert len(a & b) == len(c & d)


@given(st.lists(TEXTS, min_size=1, max_size=6), st.sampled_from([RULE, SMALL, ShingleRule.words(3)]))
@settings(max_examples=150, deadline=None)
def test_equals_the_plain_rule(texts: list[str], rule: ShingleRule) -> None:
    assert_same_as_plain(texts, rule)


def similarity(left: str, right: str, rule: ShingleRule = RULE) -> float:
    fine, coarse = (rows(grain) for grain in shingle([left, right], rule))
    return max(jaccard(np.array(g[0], np.uint32), np.array(g[1], np.uint32)) for g in (fine, coarse))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Abc-def", "ABCDEF!", 1.0),
        ("abcdef", "abcdeg", 1 / 3),  # abcde, bcdef | abcde, bcdeg
        ("我爱北京", "我爱南京", 1 / 5),  # 我爱 爱北 北京 | 我爱 爱南 南京
        ("ありがとう", "ありがと", 3 / 4),
        ("한국어", "한국", 1 / 2),
        ("กขคง", "กขค", 1 / 2),
        ("ab", "AB.", 1.0),  # too short: one shingle, the whole fold
        ("ab", "abc", 0.0),
        ("中a", "中b", 0.0),
        ("🙂", "🙂", 0.0),  # no shingle: equality links these elsewhere
        ("", "", 0.0),
    ],
)
def test_hand_checked_similarity(left: str, right: str, expected: float) -> None:
    assert similarity(left, right) == pytest.approx(expected)


@pytest.mark.parametrize("unit", ["w{} ", "{}"])
def test_length_decides_the_grain(unit: str) -> None:
    numbers = [chr(0x4E00 + i) if unit == "{}" else str(i) for i in range(61)]
    fine, coarse = shingle(["".join(unit.format(n) for n in numbers[:k]) for k in (0, 39, 40, 60, 61)], RULE)
    assert fine.present.tolist() == [False, True, True, True, False]
    assert coarse.present.tolist() == [False, False, True, True, True]
    assert np.diff(coarse.offsets).tolist() == [0, 0, 38, 58, 59]
    if unit == "{}":
        assert np.diff(fine.offsets).tolist() == [0, 38, 39, 59, 0]


def test_peers_rule_has_one_grain_at_every_length() -> None:
    fine, coarse = shingle(["a b c d e f", "a b", "", "w " * 500, "我爱北京天"], ShingleRule.words(5))
    assert not fine.present.any()
    assert np.diff(coarse.offsets).tolist() == [2, 1, 0, 1, 1]


def test_grains_share_no_hashes() -> None:
    fine, coarse = shingle([" ".join(str(i) for i in range(10000, 10050))], RULE)
    assert not set(fine.hashes.tolist()) & set(coarse.hashes.tolist())


def test_hashes_are_pinned() -> None:
    """A change here makes every stored shingle and signature incomparable: raise the signing version."""
    fine, coarse = shingle(["Hello!", "我爱", "ก", "one two three " * 20, "Haÿ"], RULE)
    assert rows(fine)[:3] == [[350580142], [1305399969], [2708199060]]
    assert rows(fine)[4] == [1578357678]  # ÿ is 255: one more must not be 0
    assert rows(coarse)[3] == [496216157, 1590331459, 1777143797]


@given(st.lists(TEXTS, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_neither_batch_nor_order_changes_a_document(texts: list[str], rng: random.Random) -> None:
    whole = [rows(grain) for grain in shingle(texts, SMALL)]
    order = rng.sample(range(len(texts)), len(texts))
    shuffled = [rows(grain) for grain in shingle([texts[i] for i in order], SMALL)]
    for grain in (0, 1):
        assert shuffled[grain] == [whole[grain][i] for i in order]
        assert whole[grain] == [rows(shingle([text], SMALL)[grain])[0] for text in texts]


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    texts = [" ".join(rng.choices(["uno", "dos", "我们", "ไทย", "🙂"], k=rng.randint(0, 90))) for _ in range(80)]
    whole = shingle(texts, RULE)
    monkeypatch.setattr("udfs.shingles.CHUNK_CHARS", 50)
    monkeypatch.setattr("udfs.hashing._BLOCK", 7)
    for grain, cut in zip(whole, shingle(texts, RULE), strict=True):
        assert rows(grain) == rows(cut)


def words(rng: random.Random, num: int) -> list[str]:
    return ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(3, 8))) for _ in range(num)]


@pytest.mark.parametrize("num_units", [20, 38, 50, 61, 100])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_mixed_text_with_a_small_edit_stays_linked(num_units: int, share: float) -> None:
    rng = random.Random(num_units)
    units = [
        f" {word} " if rng.random() < share else chr(rng.randint(0x4E00, 0x8000)) for word in words(rng, num_units)
    ]
    edited = [*units[: num_units // 2], "新", *units[num_units // 2 + 1 :], " tail", "尾"]
    assert similarity("".join(units), "".join(edited)) >= 0.5


def test_a_copy_across_a_limit_stays_linked() -> None:
    text = words(random.Random(5), 38)
    assert similarity(" ".join(text), " ".join([*text, *words(random.Random(6), 5)])) >= 0.7


def test_unbroken_runs_count_by_character() -> None:
    bases = "".join(random.Random(1).choices("ACGT", k=5000))
    assert similarity(bases, bases[:2000] + "A" + bases[2000:]) > 0.9


@pytest.mark.parametrize("before", ["", "ten words that stand before a run of letters as such "])
def test_one_letter_more_makes_no_other_text_of_a_word(before: str) -> None:
    """Also where the word becomes too long to be one: 64 letters and 65."""
    bases = "".join(random.Random(2).choices("ACGT", k=66))
    for length in (63, 64, 65):
        assert similarity(before + bases[:length], before + bases[: length + 1]) > 0.9


@pytest.mark.parametrize("kind", ["words", "unbroken"])
def test_ten_megabytes_stay_below_a_gigabyte(kind: str) -> None:
    rng = random.Random(0)
    text = " ".join(words(rng, 20000)) * 75 if kind == "words" else rng.randbytes(5_000_000).hex()
    assert len(text) > 9_500_000
    tracemalloc.start()
    fine, coarse = shingle([text, "short text"], RULE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e9
    assert fine.present.tolist() == [False, True]
    assert np.diff(coarse.offsets)[0] > 19_000


def test_jaccard() -> None:
    left, right = np.array([1, 2, 3], np.uint32), np.array([2, 3, 4, 5], np.uint32)
    assert jaccard(left, right) == 2 / 5
    assert jaccard(left, left) == 1.0
    assert jaccard(left[:0], right[:0]) == 0.0


def test_a_batch_may_be_empty() -> None:
    for grain in shingle([], RULE):
        assert grain.offsets.tolist() == [0] and len(grain.hashes) == len(grain.present) == 0


def test_refuses_impossible_rules() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ShingleRule(coarse_units=0)
    with pytest.raises(ValueError, match="lowest <= highest"):
        ShingleRule(overlap_spaced=(50, 40))
