"""Where a lake may be."""

import pytest

from jobs.runtime.errors import ConfigError
from jobs.runtime.locations import require_local


@pytest.mark.parametrize("master", ["yarn", "spark://host:7077", "k8s://https://host"])
def test_a_relative_lake_on_a_cluster_is_refused(master: str) -> None:
    with pytest.raises(ConfigError, match=f"lake is a relative path, and the master {master} works on several") as bad:
        require_local("lake", master)
    assert bad.value.exit_code == 2


@pytest.mark.parametrize("master", ["local", "local[*]", "local-cluster[2,1,1024]"])
def test_one_machine_takes_a_relative_lake(master: str) -> None:
    require_local("lake", master)
