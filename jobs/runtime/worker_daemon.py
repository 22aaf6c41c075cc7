"""Spark's Python daemon without Spark's jars on its path (`spark.python.daemon.module`, local sessions).

Spark puts its jars, and `pyspark.zip` beside the installed pyspark, on the path of its Python workers. Python 3.11 and
3.12 read the directory of each of them anew before every task (python/cpython#103200): 0.6 s a task, which is most of
what a small stage costs.
"""

import runpy
import sys
from importlib.machinery import PathFinder
from zipimport import ZipImportError, zipimporter


def python_only(path: str) -> zipimporter:
    """A finder for a zip of Python code, such as one given by `--py-files`; ZipImportError for a jar."""
    if ".jar" in path:
        raise ZipImportError(f"{path} holds no Python")
    return zipimporter(path)


if __name__ == "__main__":
    sys.path_hooks[:] = [python_only if hook is zipimporter else hook for hook in sys.path_hooks]
    installed = [path for path in sys.path if not path.endswith(("pyspark.zip", "-src.zip"))]
    if all(PathFinder.find_spec(name, installed) for name in ("pyspark", "py4j")):
        sys.path[:] = installed  # else Spark was unpacked rather than installed, and the zips are all there is
    sys.path_importer_cache.clear()
    runpy.run_module("pyspark.daemon", run_name="__main__", alter_sys=True)
