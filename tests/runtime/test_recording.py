"""What a row of job_runs keeps of an error."""

import pytest

from jobs.runtime.errors import AssetError, ConfigError, GateRefusal, SchemaMismatchError, SluiceError
from jobs.runtime.recording import told

SECRET = "cannot parse 'my name is Ann'"


@pytest.mark.parametrize("kind", [SluiceError, ConfigError, AssetError, GateRefusal, SchemaMismatchError])
def test_an_error_of_sluice_is_kept_whole(kind: type[SluiceError]) -> None:
    message = "r.yaml: top level, key tables: expected text, found 7.\nMend it."
    assert told(kind(message)) == message


@pytest.mark.parametrize("error", [ValueError(SECRET), UnicodeDecodeError("utf-8", b"Ann", 0, 1, SECRET)])
def test_of_another_error_only_the_class_is_kept(error: Exception) -> None:
    """It may quote a text, and a table that outlives the text must not."""
    assert told(error) == type(error).__name__


def test_what_an_error_was_raised_from_is_not_kept() -> None:
    with pytest.raises(ConfigError) as raised:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise ConfigError("the file cannot be read") from error
    assert told(raised.value) == "the file cannot be read"
