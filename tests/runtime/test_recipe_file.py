"""Recipes from paths and from an object store; credentials in no message and in no recipe."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from jobs.pipeline import PIPELINE
from jobs.runtime import recipe_file
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import load_recipe
from jobs.runtime.recipe_file import read_recipe, without_credentials

TEXT = "dataset: faq\ntables: lake\nsources: [{name: a, path: a.txt, format: text}]\n"
KEY, SECRET = "AKIAEXAMPLE", "s3cr3t"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """An object store with the bucket `recipes`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="recipes")
    for name, data in (
        ("faq.yaml", TEXT.encode()),
        ("my faq.yaml", TEXT.encode()),
        ("gbk.yaml", "dataset: 数".encode("gbk")),
    ):
        client.put_object(Bucket="recipes", Key=name, Body=data)
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket, for a process that has its credentials from the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return "recipes"


@pytest.mark.parametrize("uri", ["s3://recipes/faq.yaml", "s3a://recipes/faq.yaml", "s3://recipes/my faq.yaml"])
def test_a_recipe_in_a_store(bucket: str, uri: str) -> None:
    recipe = load_recipe(uri, PIPELINE)
    assert (recipe.dataset, recipe.path) == ("faq", uri)


def test_credentials_of_a_uri_are_used_and_nowhere_shown(address: str) -> None:
    where = f"recipes/faq.yaml?endpoint_override={address}&scheme=http&region=us-east-1"
    recipe = load_recipe(f"s3://{KEY}:{SECRET}@{where}", PIPELINE)
    assert recipe.path == f"s3://***@{where}"
    assert SECRET not in repr(recipe)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://recipes/nosuch.yaml", "s3://recipes/nosuch.yaml: the recipe cannot be read: Path does not exist"),
        ("s3://recipes", "s3://recipes: the recipe cannot be read: Not a regular file"),
        ("s3://recipes/gbk.yaml", "s3://recipes/gbk.yaml: not UTF-8: byte 10 is wrong"),
    ],
)
def test_what_a_store_cannot_give(bucket: str, uri: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_recipe(uri)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    "place", [f"s3://{KEY}:{SECRET[:3]}/{SECRET[3:]}@recipes/a.yaml", f"ftp://u:{SECRET}@host/a.yaml"]
)
def test_a_uri_that_cannot_be_read_is_named_without_its_secret(place: str) -> None:
    with pytest.raises(ConfigError, match=r"the recipe cannot be read: no place that is known\. Expected a local"):
        read_recipe(place)
    with pytest.raises(ConfigError) as error:
        load_recipe(place, PIPELINE)
    assert SECRET[3:] not in str(error.value) and "://***@" in str(error.value)


def test_local_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a recipe.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    places = ("a recipe.yaml", str(tmp_path / "a recipe.yaml"), f"file://{tmp_path}/a%20recipe.yaml")
    assert {read_recipe(place) for place in places} == {TEXT}
    with pytest.raises(ConfigError, match="Is a directory"):
        read_recipe(".")


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("dbfs:/Volumes/main/sluice/conf/faq.yaml", "/Volumes/main/sluice/conf/faq.yaml"),
        ("dbfs:/recipes/faq.yaml", "/dbfs/recipes/faq.yaml"),
        ("/Volumes/main/sluice/conf/faq.yaml", "/Volumes/main/sluice/conf/faq.yaml"),
    ],
)
def test_places_of_databricks(place: str, path: str) -> None:
    assert recipe_file._local(place) == path


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("conf/a@b.yaml", "conf/a@b.yaml"),
        ("s3://bucket/a.yaml", "s3://bucket/a.yaml"),
        ("s3://bucket/a@b.yaml", "s3://bucket/a@b.yaml"),
        ("s3://KEY@bucket/a.yaml", "s3://***@bucket/a.yaml"),
        ("s3://KEY:S/E@bucket/a.yaml", "s3://***@bucket/a.yaml"),
        ("abfss://box@acc.dfs.core.windows.net/a.yaml", "abfss://box@acc.dfs.core.windows.net/a.yaml"),
        ("abfss://:pw@acc.dfs.core.windows.net/box/a.yaml", "abfss://***@acc.dfs.core.windows.net/box/a.yaml"),
        ("abfss://box@acc/a.yaml?sig=x&region=y", "abfss://box@acc/a.yaml?sig=***&region=y"),
    ],
)
def test_what_of_a_uri_is_shown(place: str, shown: str) -> None:
    assert without_credentials(place) == shown
