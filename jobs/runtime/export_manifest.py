"""What an export says of itself: manifest.json for programs, README.md for people and for Hugging Face `datasets`."""

from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from udfs.export_files import DATA

# In this order wherever splits are listed.
SPLITS = ("train", "val", "test")
SAYS: Mapping[str, str] = {
    "chat": "OpenAI's messages: role and content, with tool calls and content parts where there are some. "
    "Preferences have prompt, chosen and rejected, as TRL reads them.",
    "sharegpt": "conversations of from and value. Preferences have chosen and rejected, as LLaMA-Factory reads them.",
    "alpaca": "instruction, input (always empty) and output; system and history where a chat has them.",
    "classification": "text and label, or labels where an example may have several.",
    "parquet": "the columns of the table dataset_examples; messages have role, content and, as JSON, extra.",
    "text": "text, for pretraining and tokenizers. A chat is its contents, joined by a blank line.",
}


def manifest(
    identity: Mapping[str, Any], files: list[Mapping[str, Any]], facts: Mapping[str, Any], left_out: Mapping[str, int]
) -> dict[str, Any]:
    """The manifest: what was asked, every file with rows, bytes and digest, licences and sources with their counts.

    Nothing of it depends on when and where the export ran. facts: licenses, sources and code_version of the version.
    left_out: what the format has no place for -> in how many examples."""
    splits = {}
    for split in SPLITS:
        ours = [file for file in files if file["split"] == split]
        splits[split] = {
            "rows": sum(file["rows"] for file in ours),
            "bytes": sum(file["bytes"] for file in ours),
            "files": len(ours),
        }
    return {"export": dict(identity), "splits": splits, **facts, "left_out": dict(left_out), "files": files}


def as_json(document: Mapping[str, Any]) -> bytes:
    """The bytes of manifest.json and of the marker."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def card(document: Mapping[str, Any], features: list[dict[str, Any]] | None) -> bytes:
    """The dataset card: in its head where each split is and its columns, as `load_dataset` reads them; then in words.

    features: the columns, None where the reader finds them itself."""
    asked, splits = document["export"], {k: v for k, v in document["splits"].items() if v["files"]}
    data_files = [{"split": split, "path": f"{DATA}/{split}-*"} for split in splits]
    # `datasets` caches by the names of folder and config: under one name, another export here would load as the first.
    config = f"v{asked['dataset_version']}-{asked['format']}-{asked['content_digest'][:12]}"
    head: dict[str, Any] = {
        "pretty_name": f"{asked['dataset']} version {asked['dataset_version']}",
        "configs": [{"config_name": config, "data_files": data_files}],
    }
    if features:
        head["dataset_info"] = {"config_name": config, "features": features}
    licences = [f"| {licence} | {rows} |" for licence, rows in document["licenses"].items()]
    lines = [
        f"---\n{_yaml(head)}---",
        f"# {head['pretty_name']}\n",
        f"Format {asked['format']}: {SAYS[asked['format']]} Rows are in the order of document_id.\n",
        "| split | examples | files | bytes |\n|---|---|---|---|",
        *[f"| {name} | {one['rows']} | {one['files']} | {one['bytes']} |" for name, one in splits.items()],
        "\n| licence | examples |\n|---|---|",
        *licences,
        *_left_out(document["left_out"]),
        f"\nContent digest {asked['content_digest']}. Every file with its sha256 is in manifest.json.\n",
    ]
    return "\n".join(lines).encode()


def _yaml(head: Mapping[str, Any]) -> str:
    """Plain YAML: by way of JSON, so that columns which share their types are written out and not referred to."""
    return yaml.safe_dump(orjson.loads(orjson.dumps(head)), sort_keys=False, allow_unicode=True)


def _left_out(left_out: Mapping[str, int]) -> list[str]:
    if not left_out:
        return []
    told = ", ".join(f"{name} of {rows} examples" for name, rows in left_out.items())
    return [f"\nThe format has no place for: {told}."]
