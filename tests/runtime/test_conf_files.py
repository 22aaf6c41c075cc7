import pytest

from jobs.runtime.conf_files import conf_path
from jobs.runtime.errors import ConfigError


def test_file_of_conf() -> None:
    assert "reviews_zh:" in conf_path("assets.yaml").read_text(encoding="utf-8")


def test_file_that_conf_lacks() -> None:
    with pytest.raises(ConfigError, match=r"no conf file 'recipes/absent\.yaml'"):
        conf_path("recipes/absent.yaml")
