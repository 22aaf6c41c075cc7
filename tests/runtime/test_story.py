"""What a story says, without Spark."""

from jobs.runtime.story import excerpt, in_words


def test_an_excerpt_is_one_harmless_line() -> None:
    assert excerpt("a\n\tb\x1b[31m  c\u202e d\x00") == "a b [31m c d"
    assert excerpt("商品" * 40) == "商品" * 40
    assert excerpt("x" * 81) == "x" * 79 + "…"
    assert len(excerpt("e\u0301" * 100)) <= 80
    assert not excerpt("e\u0301" * 100)[:-1].endswith("e")


def test_reasons_in_words() -> None:
    assert in_words("bad_json") == "the line is not one valid JSON value"
    assert in_words("rule:has_text") == "it breaks the row rule has_text (num_chars >= 1)"
    assert in_words("some_new_code") == "some_new_code"
