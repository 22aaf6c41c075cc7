"""A server on this machine that speaks S3 (moto), and one that fails on purpose."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from udfs import file_systems


def use_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Credentials and endpoint as an environment has them; clients of other tests are forgotten."""
    settings = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "hidden", "REGION": "us-east-1", "ENDPOINT_URL": endpoint}
    for name, value in (settings | {"EC2_METADATA_DISABLED": "true", "MAX_ATTEMPTS": "1"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    file_systems.forget()


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    """An empty store, as boto3 has it; the environment points to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_endpoint(monkeypatch, endpoint)
        yield boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1")
    file_systems.forget()
    server.stop()


@contextmanager
def failing_store(monkeypatch: pytest.MonkeyPatch, content: bytes, status: int = 200) -> Iterator[None]:
    """A store in which every object is said to be whole and breaks off in its middle, or every answer is `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Last-Modified", "Mon, 06 May 2024 12:00:00 GMT")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    use_endpoint(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    yield
    file_systems.forget()
    server.shutdown()
    server.server_close()
