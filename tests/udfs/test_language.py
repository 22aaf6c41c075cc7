"""Language identification over the real lid.176 model."""

import numpy as np
import pytest

from jobs.runtime.assets import resolve_asset
from udfs.language import detect_languages


@pytest.fixture(scope="module")
def model_path() -> str:
    return str(resolve_asset("lid176/model"))


pytestmark = pytest.mark.network


def test_languages_in_order(model_path: str) -> None:
    texts = [
        "The weather in London is fine today.",
        "今天北京的天气很好。",
        "パスワードをリセットする方法を教えてください。",
        "비밀번호를 어떻게 재설정하나요?",
        "Comment réinitialiser mon mot de passe ?",
    ]
    languages, confidences = detect_languages(texts, model_path)
    assert languages == ["en", "zh", "ja", "ko", "fr"]
    assert confidences.shape == (5,) and (confidences > 0.7).all()


def test_nothing_to_read_is_undetermined(model_path: str) -> None:
    languages, confidences = detect_languages(["", " \n", "123 + 4.5 = ?", "👍👍", "。。。"], model_path)
    assert languages == ["und"] * 5
    assert confidences.tolist() == [0.0] * 5
    assert detect_languages([], model_path)[0] == []


@pytest.mark.parametrize(
    # lid.176 alone calls these ja, en and ja.
    "text",
    ["传统中医治高血压必须辨证论治。", "价格便宜，质量不错", "五、同业间良性的普遍推广与各团体的互助。"],
)
def test_han_without_kana_is_chinese(text: str, model_path: str) -> None:
    languages, confidences = detect_languages([text], model_path)
    assert (languages, confidences.tolist()) == (["zh"], [1.0])


def test_han_ratio_is_the_confidence_of_the_script_rule(model_path: str) -> None:
    # Three Han among five letters.
    languages, confidences = detect_languages(["用AB吧！好"], model_path)
    assert (languages, confidences.tolist()) == (["zh"], [0.6])


def test_only_the_prefix_from_the_first_letter_on_is_read(model_path: str) -> None:
    text = "1234567890 " * 50 + "The weather is fine today. " + "今天天气很好。" * 100
    assert detect_languages([text], model_path, prefix_chars=27)[0] == ["en"]
    assert detect_languages([text], model_path, prefix_chars=600)[0] == ["zh"]


def test_line_breaks_nul_and_surrogates_do_not_matter(model_path: str) -> None:
    languages, confidences = detect_languages(
        ["the quick brown fox", "the\nquick\r\n\x00brown\u2028fox", "the quick brown fox \ud800"], model_path
    )
    assert languages == ["en"] * 3
    assert confidences[0] == confidences[1]
    assert np.array_equal(confidences, confidences.round(4))
