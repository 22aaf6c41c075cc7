"""Recipes that are right, and the message for each that is wrong: file, section, key, nearest valid key."""

from pathlib import Path

import pytest

from jobs import assign_splits, clean_text, hash_shingles
from jobs.pipeline import PIPELINE
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import Recipe, Tracking, load_recipe
from jobs.runtime.source import Source
from udfs.known_shapes import SIGHT_REVISION

RECIPE = """
dataset: faq
tables: lake
tracking: {experiment: mine}
sources:
  - {name: faq, path: faq.csv, format: csv, key: id, fields: {prompt: question, response: answer}}
  - {name: notes, path: notes.txt, format: text, label: "1"}
clean_text: {min_chars: 3, labels: [a, b]}
hash_shingles: {shingles: {words: 5}}
collect_documents:
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str, *overrides: str, tables: str | None = None) -> Recipe:
    Path("r.yaml").write_text(text, encoding="utf-8")
    return load_recipe("r.yaml", PIPELINE, overrides, tables)


def refusal(text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(text, *overrides)
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_a_recipe_resolves_to_parameters_of_every_job(folder: Path) -> None:
    recipe = load(RECIPE)
    faq = Source(
        name="faq", path="faq.csv", format="csv", key=("id",), fields={"prompt": "question", "response": "answer"}
    )
    notes = Source(name="notes", path="notes.txt", format="text", label="1")
    assert (recipe.dataset, recipe.tables, recipe.tracking) == ("faq", "lake", Tracking(experiment="mine"))
    assert recipe.sources == (faq, notes)
    assert list(recipe.params) == [job.name for job in PIPELINE]
    assert recipe.params["clean_text"] == clean_text.Params(sources=(faq, notes), min_chars=3, labels=("a", "b"))
    assert recipe.params["assign_splits"] == assign_splits.Params()
    signing = recipe.params["hash_shingles"]
    assert isinstance(signing, hash_shingles.Params) and signing.shingles.words == 5


def test_format_text_and_python_need_no_fields(folder: Path) -> None:
    assert load(RECIPE).sources[1].mapping() == {"text": "text"}
    python = Source(name="p", path="package:numpy", format="python")
    assert python.mapping() == {"prompt": "prompt", "response": "response", "group": "group"}


def test_what_fields_leaves_open_is_known_by_sight(folder: Path) -> None:
    faq, notes = load(RECIPE).sources
    assert not faq.is_seen() and not notes.is_seen() and "sight" not in faq.shaping()
    beside = {"label": "topic", "ignore": ["choices"]}
    for fields in ({}, beside):
        seen = faq.model_copy(update={"fields": fields})
        assert seen.is_seen() and seen.mapping() == fields and seen.shaping()["sight"] == SIGHT_REVISION


def test_a_source_is_identified_by_how_it_is_read() -> None:
    def read_as(**keys: str) -> object:
        return Source.model_validate({"name": "s", "path": "p", "fields": {"text": "t"}, **keys}).identity()["format"]

    assert read_as(format="csv") == read_as(format="csv", encoding="UTF8") == "csv"
    assert read_as(format="csv", delimiter=";") == "csv ;"
    assert read_as(format="csv", delimiter=";", encoding="GBK") == "csv@gb18030 ;"
    assert read_as(format="json", encoding="Auto") == "json@auto"


def test_set_and_tables_override(folder: Path) -> None:
    overrides = ("clean_text.languages=[zh, en]", "hash_shingles.shingles.words=3", "assign_splits.salt='2'")
    recipe = load(RECIPE, *overrides)
    cleaning, signing = recipe.params["clean_text"], recipe.params["hash_shingles"]
    assert isinstance(cleaning, clean_text.Params) and isinstance(signing, hash_shingles.Params)
    assert (cleaning.languages, cleaning.min_chars, signing.shingles.words) == (("zh", "en"), 3, 3)
    assert recipe.params["assign_splits"] == assign_splits.Params(salt="2")
    assert load(RECIPE, tables="other").tables == "other"


def test_the_digest_is_of_what_is_resolved(folder: Path) -> None:
    digest = load(RECIPE).digest()
    assert load(RECIPE.replace("{min_chars: 3,", "{max_chars: 1_000_000, min_chars: 3,")).digest() == digest
    assert load(RECIPE, tables="other").digest() == digest
    assert load(RECIPE, "clean_text.min_chars=4").digest() != digest


UNKNOWN = {
    "top level": (
        ("tables: lake", "tabels: lake"),
        "r.yaml: top level, key tables: required, but absent; add it; "
        "top level, key tabels: unknown key; did you mean tables? "
        "Valid: dataset, tables, location, tracking, sources, assets",
    ),
    "a job": (
        ("clean_text: ", "clean_txt: "),
        "r.yaml: top level, key clean_txt: unknown key; did you mean clean_text",
    ),
    "source": (
        ("path: notes.txt", "pth: notes.txt"),
        "r.yaml: section sources, source notes, key path: required, but absent; add it; "
        "section sources, source notes, key pth: unknown key; did you mean path? Valid: name, path, format, delimiter",
    ),
    "field of a source": (
        ("prompt: question", "promt: question"),
        "r.yaml: section sources, source faq: fields: unknown field promt; did you mean prompt? Valid: text, prompt",
    ),
    "tracking": (
        ("experiment: mine", "experimnt: mine"),
        "r.yaml: section tracking, key experimnt: unknown key; did you mean experiment? Valid: uri, experiment",
    ),
    "section": (
        ("min_chars: 3", "min_char: 3"),
        "r.yaml: section clean_text, key min_char: unknown key; did you mean min_chars? Valid: cleaners, min_chars",
    ),
    "inside a section": (
        ("words: 5", "word: 5"),
        "r.yaml: section hash_shingles, key shingles.word: unknown key; did you mean words? Valid: words",
    ),
    "job without parameters": (
        ("collect_documents:", "collect_documents: {cap: 3}"),
        "r.yaml: section collect_documents, key cap: unknown key; nothing can be set here: remove it",
    ),
    "key of a job at the top": (
        ("tables: lake", "tables: lake\nmin_chars: 3"),
        "r.yaml: top level, key min_chars: unknown key; it belongs to section clean_text",
    ),
    "sources in a section": (
        ("min_chars: 3", "sources: []"),
        "r.yaml: section clean_text, key sources: it is a key of the top level, not of a job",
    ),
}


@pytest.mark.parametrize(("change", "message"), UNKNOWN.values(), ids=list(UNKNOWN))
def test_an_unknown_key_names_file_section_key_and_nearest(folder: Path, change: tuple[str, str], message: str) -> None:
    assert refusal(RECIPE.replace(*change)).startswith(message)


WRONG = {
    "number as text": (
        ('label: "1"', "label: 1"),
        "r.yaml: section sources, source notes, key label: Input should be a valid string, found 1; "
        "YAML reads it as a number: write it in quotes",
    ),
    "no is false": (
        ("labels: [a, b]", "languages: [no]"),
        "r.yaml: section clean_text, key languages.0: Input should be a valid string, found False; "
        "YAML reads it as yes or no: write it in quotes",
    ),
    "text as number": (
        ("min_chars: 3", "min_chars: many"),
        "r.yaml: section clean_text, key min_chars: Input should be a valid integer, found 'many'",
    ),
    "yes is no number": (
        ("min_chars: 3", "min_chars: true"),
        "r.yaml: section clean_text, key min_chars: Input should be a valid integer, found True",
    ),
    "no length at all": (
        ("min_chars: 3", "min_chars: 30, max_chars: 3"),
        "r.yaml: section clean_text: no text has 30 characters or more and 3 or fewer",
    ),
    "delimiter": (
        ("format: csv", "format: csv, delimiter: '\"'"),
        "r.yaml: section sources, source faq: delimiter: '\"' cannot stand between fields",
    ),
    "encoding": (
        ("format: csv", "format: csv, encoding: gb18031"),
        "r.yaml: section sources, source faq, key encoding: encoding: expected auto, utf-8, gb18030, big5, utf-16 or "
        "another encoding that Python reads, found 'gb18031'",
    ),
    "encoding of Python files": (
        ("format: csv, key: id", "format: python, encoding: big5"),
        "r.yaml: section sources, source faq: encoding belongs to the formats text, csv, tsv, json, file, found python",
    ),
    "out of range": (
        ("min_chars: 3", "min_chars: 0"),
        "r.yaml: section clean_text, key min_chars: Input should be greater than or equal to 1, found 0",
    ),
    "format": (
        ("format: csv", "format: xls"),
        "r.yaml: section sources, source faq, key format: Input should be 'text', 'csv', 'tsv', 'json', "
        "'python', 'file', 'parquet' or 'delta', found 'xls'",
    ),
    "section that is none": (
        ("{min_chars: 3, labels: [a, b]}", "5"),
        "r.yaml: section clean_text: expected a mapping of keys, found 5",
    ),
    "empty section of another kind": (
        ("{min_chars: 3, labels: [a, b]}", "[]"),
        "r.yaml: section clean_text: expected a mapping of keys, found []",
    ),
    "path of a field": (
        ("prompt: question", "prompt: 7"),
        "r.yaml: section sources, source faq: fields.prompt: expected a column or a dotted path, found 7",
    ),
    "half a pair": (
        ("prompt: question, ", ""),
        "r.yaml: section sources, source faq: fields: expected text, or prompt and response, or messages",
    ),
    "text by sight": (
        ('format: text, label: "1"', "format: text, fields: {group: day}"),
        "r.yaml: section sources, source notes: fields: the columns of format text are known; map text, or prompt",
    ),
    "cleaner": (
        ("min_chars: 3", "cleaners: [repair_unicod]"),
        "r.yaml: section clean_text, key cleaners: unknown cleaning function repair_unicod; did you mean "
        "repair_unicode? Valid: repair_unicode",
    ),
    "fractions": (
        ("collect_documents:", "assign_splits: {train: 0.8, val: 0.1, test: 0.2}"),
        "r.yaml: section assign_splits: train + val + test must be 1, found 1.1",
    ),
    "fraction out of range": (
        ("collect_documents:", "assign_splits: {train: 1.5}"),
        "r.yaml: section assign_splits, key train: Input should be less than or equal to 1, found 1.5",
    ),
    "source names repeat": (
        ("name: notes", "name: faq"),
        "r.yaml: section sources: source names repeat: faq",
    ),
    "source name": (
        ("name: notes", "name: a/b"),
        "r.yaml: section sources, source a/b, key name: String should match pattern '^[\\w.-]+$', found 'a/b'",
    ),
    "no sources": (("sources:\n", "sources: []\nx: |\n"), "r.yaml: section sources: Tuple should have at least 1 item"),
    "source that is none": (
        ("  - {name: notes, path: notes.txt, format: text, label: \"1\"}", "  - notes.txt"),
        "r.yaml: section sources, source number 2: expected a mapping of keys, found 'notes.txt'",
    ),
    "dataset": (
        ("dataset: faq", "dataset: my faq"),
        "r.yaml: top level, key dataset: String should match pattern '^[A-Za-z][A-Za-z0-9_]{0,127}$', found 'my faq'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_value_names_file_section_key_and_what_was_found(
    folder: Path, change: tuple[str, str], message: str
) -> None:
    assert refusal(RECIPE.replace(*change)).startswith(message)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("min_chars=3", "--set min_chars=3: expected JOB.KEY=VALUE, such as group_duplicates.threshold=0.8"),
        ("clean_text.min_chars", "--set clean_text.min_chars: expected JOB.KEY=VALUE"),
        ("clean_text.labels=[a", "--set clean_text.labels=[a: the value is not valid YAML: "),
        ("assign_splits.salt=2024-13-45", "--set assign_splits.salt=2024-13-45: the value is not valid YAML: month"),
        ("sources.path=x", "--set sources.path=x: sources is not a section of keys"),
        ("clean_text.min_char=3", "r.yaml: section clean_text, key min_char: unknown key; did you mean min_chars?"),
        ("cleantext.min_chars=3", "r.yaml: top level, key cleantext: unknown key; did you mean clean_text?"),
    ],
)
def test_a_wrong_override(folder: Path, override: str, message: str) -> None:
    assert refusal(RECIPE, override).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset: [faq", "r.yaml: not valid YAML: while parsing a flow sequence"),
        ("- dataset", "r.yaml: expected a mapping of keys such as dataset, tables and sources; found list"),
        ("", "r.yaml: expected a mapping of keys such as dataset, tables and sources; found an empty file"),
        ("a: &a [*a]", "r.yaml: the anchor of line 1 holds itself"),
        (RECIPE + "clean_text: {}", "r.yaml: key clean_text stands twice, in lines 8 and 11"),
        (RECIPE.replace("{words: 5}", "{words: 5, words: 4}"), "r.yaml: key words stands twice, in lines 9 and 9"),
    ],
)
def test_what_is_not_a_recipe(folder: Path, text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_one_fault_is_one_message(folder: Path) -> None:
    """Where the only source is wrong, it is not that there are too few."""
    text = "dataset: d\ntables: lake\nsources: [{name: a, path: x, format: text, licence: MIT}]\n"
    said = refusal(text)
    assert said.startswith("r.yaml: section sources, source a, key licence: unknown key; did you mean license? Valid: ")
    assert ";" not in said.removeprefix(said.split("Valid: ")[0])


def test_a_small_number_may_be_written_as_in_science(folder: Path) -> None:
    """YAML takes 1e-4, without a point, for a text."""
    values = load(RECIPE, "check_gates.repair=1e-4", "assign_splits.train=8E-1", "assign_splits.val=0.1").params
    assert values["check_gates"].model_dump()["repair"] == 1e-4
    assert values["assign_splits"].model_dump()["train"] == 0.8


def test_home_is_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert load(RECIPE, tables="~/lake").tables == "/home/someone/lake"


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"^absent\.yaml: the recipe cannot be read: No such file or directory"):
        load_recipe("absent.yaml", PIPELINE)
    with pytest.raises(ConfigError, match="the recipe cannot be read: Is a directory"):
        load_recipe(str(folder), PIPELINE)
    (folder / "latin.yaml").write_bytes(b"dataset: caf\xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml: not UTF-8: byte 13 is wrong"):
        load_recipe("latin.yaml", PIPELINE)
