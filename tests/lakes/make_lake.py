"""Make the lake of README's example with the checkout that is on Python's path: `python tests/lakes/make_lake.py OUT`.

To keep the lake of a commit, check that commit out, and run this file with PYTHONPATH set to its folder.
"""

import os
import shutil
import socket
import sys
import tarfile
import tempfile
from pathlib import Path

# Seconds since 1970 of the source's last change: the lake keeps it, and the test gives the unpacked file this time.
MODIFIED = 1_767_225_600


def make(root: Path, folder: Path) -> None:
    """The example's source and recipe, run once in an empty folder."""
    from jobs.runtime.cli import main

    readme = (root / "README.md").read_text(encoding="utf-8")
    (folder / "raw").mkdir(parents=True)
    for kind, name in (("csv", "raw/faq.csv"), ("yaml", "recipe.yaml")):
        (folder / name).write_text(readme.split(f"```{kind}\n")[1].split("```")[0], encoding="utf-8")
    os.utime(folder / "raw" / "faq.csv", (MODIFIED, MODIFIED))
    os.chdir(folder)
    socket.gethostname = lambda: "host"  # the lease keeps it
    try:
        main(["run", "recipe.yaml"])
    except SystemExit as end:
        if end.code:
            raise


def pack(folder: Path, out: Path) -> None:
    """Source, recipe and tables, without checksums that readers do not need and without who made them."""

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return None if entry.name.endswith(".crc") else entry

    with tarfile.open(out, "w:gz") as packed:
        for name in ("raw", "recipe.yaml", "lake"):
            packed.add(folder / name, name, filter=kept)


if __name__ == "__main__":
    import jobs

    OUT, FOLDER = Path(sys.argv[1]).absolute(), Path(tempfile.gettempdir(), "faq")
    make(Path(jobs.__file__).parents[1], FOLDER)
    pack(FOLDER, OUT)
    shutil.rmtree(FOLDER)
