"""Where Delta's jars come from."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyspark
import pytest

from jobs.runtime.delta_jars import DECIDE_CLASS_PATH, DELTA, delta_conf, delta_jar, known_jars, remember_jars

PACKAGES = {"spark.jars.packages", "spark.jars.excludes"}


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has never started Spark."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in DECIDE_CLASS_PATH:
        monkeypatch.delenv(name, raising=False)


def started(folder: Path, *names: str) -> list[Path]:
    """Spark has started once and put these jars there, and one of the user's elsewhere."""
    jars = [folder / "ivy jars" / name for name in names]
    for jar in jars:
        jar.parent.mkdir(exist_ok=True)
        jar.touch()
    uris = ",".join(jar.as_uri() for jar in [folder / "own.jar", *jars])
    session: Any = SimpleNamespace(
        conf=SimpleNamespace(get=lambda key, default: {"spark.jars": uris}.get(key, default))
    )
    remember_jars(session)
    return jars


def test_later_starts_have_the_jars_of_the_first(tmp_path: Path) -> None:
    assert set(delta_conf("local[*]")) == PACKAGES
    jars = started(tmp_path, delta_jar().name, "delta-storage.jar")
    assert known_jars() == jars
    assert delta_conf("local[*]") == {"spark.driver.extraClassPath": os.pathsep.join(map(str, jars))}
    assert delta_conf("local") == delta_conf("local[2,3]") == delta_conf("local[*]")


@pytest.mark.parametrize("master", ["local-cluster[2,1,1024]", "spark://host:7077", "yarn", "k8s://host"])
def test_executors_elsewhere_get_packages(tmp_path: Path, master: str) -> None:
    started(tmp_path, delta_jar().name)
    assert set(delta_conf(master)) == PACKAGES


def test_a_jar_that_is_gone_is_fetched_again(tmp_path: Path) -> None:
    _, storage = started(tmp_path, delta_jar().name, "delta-storage.jar")
    storage.unlink()
    assert known_jars() == []
    assert delta_conf("local[*]")["spark.jars.packages"] == DELTA


@pytest.mark.parametrize("name", ["SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS"])
def test_the_class_path_of_the_users_own_spark_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    started(tmp_path, delta_jar().name)
    monkeypatch.setenv(name, str(Path(pyspark.__file__).parent))
    assert set(delta_conf("local[*]")) == PACKAGES


def test_a_session_without_deltas_package_teaches_nothing(tmp_path: Path) -> None:
    started(tmp_path, "other.jar")
    assert known_jars() == []
    assert list(tmp_path.glob("cache/**/*.jars")) == []
