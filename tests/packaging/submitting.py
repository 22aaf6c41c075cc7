"""Spark as an operator would start it: one job by spark-submit, or a server of Spark Connect."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pyspark

from jobs.runtime.delta_jars import DELTA, IN_SPARK
from jobs.runtime.java import java_home
from jobs.runtime.session import DELTA_SQL, LOCAL_CONF

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(pyspark.__file__).parent
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
# Small plans that run once: compiling them costs more than it gives.
SMALL = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.memory": "768m",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.jars.excludes": IN_SPARK,
    "spark.log.level": "WARN",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}
CONF = SMALL | {key: LOCAL_CONF[key] for key in DELTA_SQL}


def spark_submit(master: str, conf: dict[str, str]) -> list[str]:
    """The command up to what it is to run."""
    settings = [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]
    return [str(HOME / "bin" / "spark-submit"), "--master", master, "--packages", DELTA, *settings]


def environment(python: Path) -> dict[str, str]:
    """This one, with Spark's home and Java, and the Python of driver and executors."""
    pythons = {"PYSPARK_PYTHON": str(python), "PYSPARK_DRIVER_PYTHON": str(python)}
    places = {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "JAVA_HOME": str(java_home())}
    return {**os.environ, **pythons, **places}


def start_server(python: Path, port: int, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a server of Spark Connect in a folder; its log is server.log there."""
    address = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    command = [*spark_submit("local[2]", CONF | address), "--class", SERVER, "spark-internal"]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, env=environment(python), stdout=log, stderr=subprocess.STDOUT)


@dataclass(frozen=True)
class Submitter:
    """spark-submit as an operator would call it, from an empty folder, with the entry file by itself."""

    python: Path
    folder: Path

    def __call__(
        self, packages: Path, *arguments: str, store: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        main = shutil.copy(ROOT / "jobs" / "main.py", self.folder / "main.py")
        command = [*spark_submit("local-cluster[2,1,1024]", CONF), "--py-files", str(packages), str(main), *arguments]
        given = environment(self.python) | (store or {})
        return subprocess.run(command, cwd=self.folder, env=given, text=True, capture_output=True, check=False)
