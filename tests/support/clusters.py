"""Both kinds of cluster, for tests that hold for either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.actors import local_cluster
from harness.ask.cluster.workers import InlineCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ask.cluster.workers import Cluster


ON_RAY = [pytest.mark.ray, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module", params=["inline", pytest.param("ray", marks=ON_RAY)])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    if request.param == "inline":
        with InlineCluster() as inline:
            yield inline
    else:
        with local_cluster(state=tmp_path_factory.mktemp("state"), cpus=2) as local:
            yield local
