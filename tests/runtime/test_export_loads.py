"""Every format as Hugging Face `datasets` loads it, offline: from the folder by its card, and file by file."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.exported import Row, example, export_rows, turn
from udfs.export_shapes import SHAPES

CALL = '{"tool_calls":[{"function":{"arguments":"{}","name":"weather"},"id":"c1","type":"function"}]}'


def chats(**columns: Any) -> list[Row]:
    """Six chats over three splits, Chinese among them; the second and last with a history."""
    first = (turn("user", "早餐怎么样?"), turn("assistant", "还不错。\n下次再来"))
    second = (turn("system", "Be short."), *first, turn("user", '"?"'), turn("assistant", "yes"))
    splits = ("train", "train", "train", "train", "val", "test")
    return [
        example(
            str(n), *(second if n in (1, 5) else first), split=split, label=str(n % 2), labels=[str(n % 2)], **columns
        )
        for n, split in enumerate(splits)
    ]


@pytest.mark.parametrize(
    ("form", "compress"),
    [*[(form, "gzip") for form in SHAPES], ("text", "none"), ("chat", "zstd"), ("parquet", "none")],
)
def test_a_folder_loads_as_it_is(form: str, compress: str, datasets: Any, tmp_path: Path) -> None:
    rows = chats()
    export_rows(rows, form, tmp_path / "out", compress)
    loaded = datasets.load_dataset(str(tmp_path / "out"))
    assert {split: len(part) for split, part in loaded.items()} == {"train": 4, "val": 1, "test": 1}
    traits = frozenset(trait for row in rows for trait in SHAPES[form].traits(row))
    wanted = {row["document_id"]: SHAPES[form].encode(row, traits) for row in rows}
    for part in loaded.values():
        assert part["document_id"] == sorted(part["document_id"])
        assert all(row == wanted[row["document_id"]] for row in part)
    kind = "parquet" if form == "parquet" else "json"
    files = {split: str(tmp_path / "out" / "data" / f"{split}-*") for split in ("train", "val", "test")}
    # Without the card columns are typed by the first rows: here those that no chat of the file has.
    again = datasets.load_dataset(kind, data_files=files, features=loaded["train"].features)
    assert {split: part.to_list() for split, part in again.items()} == {
        split: part.to_list() for split, part in loaded.items()
    }


@pytest.mark.parametrize("form", ["chat", "sharegpt", "alpaca"])
def test_preferences_load(form: str, datasets: Any, tmp_path: Path) -> None:
    rows = chats(rejected="不。")
    export_rows(rows, form, tmp_path / "out", shard_rows=1)
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train+val+test")
    traits = frozenset(trait for row in rows for trait in SHAPES[form].traits(row))
    wanted = {row["document_id"]: SHAPES[form].encode(row, traits) for row in rows}
    assert [wanted[row["document_id"]] for row in loaded] == loaded.to_list()


@pytest.mark.parametrize("form", ["chat", "sharegpt"])
@pytest.mark.parametrize("shard_rows", [1, 100])
def test_tools_load(form: str, shard_rows: int, datasets: Any, tmp_path: Path) -> None:
    called = (turn("user", "Rain?"), turn("assistant", "", CALL), turn("tool", "no", '{"tool_call_id":"c1"}'))
    rows = [*chats(), example("tools", *called, turn("assistant", "No."))]
    export_rows(rows, form, tmp_path / "out", shard_rows=shard_rows)
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train")
    found = next(row for row in loaded if row["document_id"] == rows[-1]["document_id"])
    if form == "sharegpt":
        assert [one["from"] for one in found["conversations"]] == ["human", "function_call", "observation", "gpt"]
        assert json.loads(found["conversations"][1]["value"]) == {"name": "weather", "arguments": {}}
    else:
        turns = [{key: value for key, value in one.items() if value is not None} for one in found["messages"]]
        assert turns[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
        assert turns[2] == {"role": "tool", "content": "no", "tool_call_id": "c1"}


def test_a_split_without_examples_is_not_promised(datasets: Any, tmp_path: Path) -> None:
    export_rows([example("a"), example("b")], "text", tmp_path)
    loaded = datasets.load_dataset(str(tmp_path))
    assert {split: part["text"] for split, part in loaded.items()} == {"train": ["b", "a"]}
