"""What is said where SPARK_REMOTE leads nowhere, and which machine a session counts as; tests/packaging runs it."""

import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.runtime import connect
from jobs.runtime.connect import master_of, remote_session
from jobs.runtime.errors import ConfigError
from jobs.runtime.staging import works_on_one_machine

TOKEN = "s3cret"


def test_without_a_client_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost:1")
    monkeypatch.setitem(sys.modules, "grpc", None)
    for name in [name for name in sys.modules if name.startswith("pyspark.sql.connect")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=r"^SPARK_REMOTE is set, .+grpcio.+ Install sluice-sft\[connect\], or unset"):
        remote_session()


@pytest.mark.parametrize("url", [f"http://host:1/;token={TOKEN}", f"sc://host:1/a/path;token={TOKEN}", "local[2]"])
def test_another_form_of_url_is_refused_without_its_token(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", url)
    with pytest.raises(ConfigError, match="expected sc://HOST:PORT of a Spark Connect server") as told:
        remote_session()
    assert TOKEN not in str(told.value)


def test_a_server_that_does_not_answer_is_named_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(connect, "ANSWER_SECONDS", 0.5)
    monkeypatch.setenv("SPARK_REMOTE", f"sc://localhost:{port}/;user_id={TOKEN}")
    with pytest.raises(ConfigError, match=f"no Spark Connect server answers at localhost:{port} within") as told:
        remote_session()
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize(
    ("remote", "master", "one"),
    [
        (None, "local[2]", True),
        ("sc://localhost:15002", "local[2]", True),
        ("sc://127.0.0.1", "local[2]", True),
        ("sc://localhost", "yarn", False),
        (f"sc://far.example:15002/;token={TOKEN}", "sc://far.example", False),
    ],
)
def test_a_server_elsewhere_does_not_see_this_machine(
    remote: str | None, master: str, one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    if remote:
        monkeypatch.setenv("SPARK_REMOTE", remote)
    said = "local[2]" if master.startswith("sc:") else master
    spark: Any = SimpleNamespace(conf=SimpleNamespace(get=lambda key, default: said))
    assert master_of(spark, "") == master
    assert works_on_one_machine(spark) is one
