"""What a run says last can be typed as it stands."""

import shlex

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime.closing import show_closing
from jobs.runtime.context import open_context
from jobs.runtime.explain import explain
from jobs.runtime.story import tell
from jobs.runtime.views import query
from tests.grown_lake import GrownLake


@pytest.mark.spark
def test_the_commands_to_try_next_run(grown_lake: GrownLake, capsys: pytest.CaptureFixture[str]) -> None:
    context = open_context(grown_lake.lake, grown_lake.recipe, PIPELINE, say=lambda _: None)
    show_closing([context])
    said = capsys.readouterr().out
    assert f"Tables\n  {grown_lake.lake.location}\nMLflow\n" in said
    commands = [shlex.split(line) for line in said.splitlines() if line.startswith("  sluice ")]
    assert [words[1] for words in commands] == ["sql", "sql", "explain"]
    assert {words[2] for words in commands} == {grown_lake.recipe.path}
    for words in commands[:2]:
        assert query(grown_lake.lake, words[3]).collect()
    story = tell(explain(grown_lake.lake, grown_lake.recipe, commands[2][3]))
    assert any("dropped: " in sentence for sentence in story), "a story worth reading"
