"""The entry of every platform: `sluice`, and the file that spark-submit takes, with the same arguments.

    spark-submit --py-files dist/sluice_sft-0.1.0.zip jobs/main.py run RECIPE --from score_text --to score_text

The packages come by --py-files or are installed; this file may lie anywhere, also alone in an object store.
"""

import sys
from pathlib import Path

ABSENT = (
    "error: the packages of Sluice are not on Python's path. Give them with --py-files sluice_sft-VERSION.zip "
    "(`make zip`), or install the wheel in the environment of PYSPARK_PYTHON\n"
)


def main() -> None:
    """Run the command line. SystemExit for failures only: a platform may take the one of success for a failure."""
    from jobs.runtime import cli

    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise


def _as_script() -> None:
    # A script's folder comes first on the path: of this one, the jobs would hide every module of their names.
    here = Path(__file__).resolve().parent
    if (here / "pipeline.py").exists():
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    try:
        import jobs.runtime.cli  # noqa: F401  # whether the package is there, and not another of its name
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "jobs":
            raise
        sys.stderr.write(ABSENT)
        raise SystemExit(2) from None
    main()


if __name__ == "__main__":
    _as_script()
