"""Find a file of `conf/`: beside the packages in a checkout, inside `jobs/_conf` in the wheel."""

import atexit
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

from jobs.runtime.errors import ConfigError

# A wheel passed by --py-files is read from its zip: what is unpacked from it lives as long as the process.
_UNPACKED = ExitStack()
atexit.register(_UNPACKED.close)


def conf_path(name: str) -> Path:
    """Return the path of `conf/NAME`, e.g. `assets.yaml` or `recipes/reviews_zh.yaml`; ConfigError if absent."""
    shipped = files("jobs").joinpath("_conf", *name.split("/"))
    checkout = Path(__file__).parents[2] / "conf" / name
    if shipped.is_file():
        return _UNPACKED.enter_context(as_file(shipped))
    if checkout.is_file():
        return checkout
    raise ConfigError(f"no conf file {name!r}: looked for {checkout} and {shipped}; install sluice-sft again")
