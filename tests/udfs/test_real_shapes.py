"""Known shapes in real files: Alpaca, question and answer, plain text, and chats and preferences of ranked trees."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from udfs.examples import Drop, Example, build_example, document_id
from udfs.payload_fields import read_fields

pytestmark = pytest.mark.shared
Row = dict[str, Any]


def load(path: Path) -> list[Row]:
    """The rows of JSON lines, or of one array."""
    data = gzip.decompress(path.read_bytes())
    return [json.loads(line) for line in data.splitlines()] if ".jsonl" in path.name else json.loads(data)


def see(row: Row, **fields: object) -> Example | Drop:
    return build_example(row, read_fields(fields))


def outcomes(rows: list[Row]) -> Counter[str]:
    """How many are a text, a chat, or dropped, why."""
    found = (see(row) for row in rows)
    return Counter(
        one.kind if isinstance(one, Example) else f"{one.reason} {one.detail.split(';')[0]}" for one in found
    )


# File -> what its rows are.
FILES = {
    "instructions_gpteacher/codegen.json.gz": {"chat": 4535},
    "instructions_gpteacher/roleplay.json.gz": {"chat": 1923},
    "instructions_gpteacher/toolformer.json.gz": {
        "chat": 7672,
        "unread_field example_input: no known shape has it": 1,
    },
    "benchmarks/gsm8k_test.jsonl.gz": {"chat": 1319},
    "benchmarks/mmlu_test.jsonl.gz": {"unread_field choices: no known shape has it": 14099},
    "benchmarks/bbh.jsonl.gz": {"missing_field no known shape, found id, input, target": 6511},
    "benchmarks/humaneval.jsonl.gz": {
        "missing_field no known shape, found task_id, prompt, entry_point, canonical_solution, test": 164
    },
    "benchmarks_rephrased/rephrase__rephrase_gsm8k.jsonl.gz": {"text": 1319},
    "graded_onestop/texts.jsonl.gz": {"text": 567},
    "language_sentences/sentences.jsonl.gz": {"text": 74141},
    "spam_sms/test.jsonl.gz": {"unread_field label, weak_labels: no known shape has it": 500},
    "instructions_open_assistant/en_100_message.jsonl.gz": {"unread_field role, replies: no known shape has it": 100},
}


@pytest.mark.parametrize("name", FILES)
def test_rows_of_real_files(name: str, shared_data: Path) -> None:
    assert outcomes(load(shared_data / name)) == FILES[name]


def test_alpaca_with_and_without_input(shared_data: Path) -> None:
    rows = load(shared_data / "instructions_gpteacher" / "codegen.json.gz")
    for row in rows:
        seen = see(row)
        assert isinstance(seen, Example)
        asked = f"{row['instruction']}\n\n{row['input']}" if row["input"].strip() else row["instruction"]
        assert [(turn.role, turn.content, turn.extra) for turn in seen.messages] == [
            ("user", asked, None),
            ("assistant", row["response"], None),
        ]
        assert see({"prompt": asked, "response": row["response"]}, prompt="prompt", response="response") == seen


def threads(message: Row, before: tuple[Row, ...] = ()) -> Iterator[tuple[Row, ...]]:
    """Every path of a tree of messages from its root to an answer of the assistant."""
    here = (*before, message)
    if message["role"] == "assistant":
        yield here
    for reply in message["replies"]:
        yield from threads(reply, here)


def test_threads_of_real_trees_in_two_shapes(shared_data: Path) -> None:
    trees = load(shared_data / "instructions_open_assistant" / "en_100_tree.jsonl.gz")
    found = [thread for tree in trees for thread in threads(tree["prompt"])]
    names = {"prompter": ("user", "human"), "assistant": ("assistant", "gpt")}
    for thread in found:
        openai = [{"role": names[one["role"]][0], "content": one["text"]} for one in thread]
        sharegpt = [{"from": names[one["role"]][1], "value": one["text"]} for one in thread]
        seen = see({"id": thread[0]["message_id"], "lang": "en", "messages": openai})
        assert isinstance(seen, Example) and len(seen.messages) == len(thread)
        assert see({"conversations": sharegpt}) == seen == see({"c": sharegpt}, messages="c")
    assert len({len(thread) for thread in found}) > 2 and len(found) > 500


def test_the_best_and_the_worst_answer_of_real_trees(shared_data: Path) -> None:
    """Ranked replies as a preference pair: as texts with their prompt, and as two chats."""
    trees = load(shared_data / "instructions_open_assistant" / "en_100_tree.jsonl.gz")
    found = 0
    for root in (tree["prompt"] for tree in trees):
        ranked = sorted((one for one in root["replies"] if one.get("rank") is not None), key=lambda one: one["rank"])
        if len(ranked) < 2:
            continue
        found += 1
        chosen, rejected = ranked[0]["text"], ranked[-1]["text"]
        asked = [{"role": "user", "content": root["text"]}]
        chats = [[*asked, {"role": "assistant", "content": one}] for one in (chosen, rejected)]
        pair = see({"prompt": root["text"], "chosen": chosen, "rejected": rejected, "score_chosen": 0})
        both = see({"prompt": root["text"], "chosen": chats[0], "rejected": chats[1], "messages": chats[0]})
        assert isinstance(pair, Example) and pair == both and pair.rejected == rejected
        assert document_id(pair) != document_id(pair.__class__("chat", pair.text, pair.messages))
    assert found > 50
