"""Name errors by what they ask of the reader; `exit_code` is what the command line ends with."""


class SluiceError(Exception):
    """Stop a run: the message says what was expected, what was found and what to do."""

    exit_code = 1


class ConfigError(SluiceError):
    """Fix the recipe, the arguments or the machine: nothing was written."""

    exit_code = 2
    # In one word, as `sluice check` says it.
    state = "wrong"


class AbsentError(ConfigError):
    """Put there what is named, or name another place."""

    state = "missing"


class AccessError(ConfigError):
    """Mend the rights to a place, or the way there."""

    state = "no access"


class AssetError(AbsentError):
    """Fix `conf/assets.yaml`, the asset cache or the way to the package index."""


class GateRefusal(SluiceError):
    """Fix the data or the budget: a leak, contract or budget gate refused the draft."""

    exit_code = 3


class SchemaMismatchError(SluiceError):
    """Fix the code or migrate the table: rows and declaration differ."""
