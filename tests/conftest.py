"""What one test leaves behind does not reach the next."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from hypothesis import settings as property_settings
from pydicom import config

from tests.fakes.ray_cluster import RAY_OPTIONS, RayCluster, ray_cluster

# A test waits for what happens, and no clock decides: machines are busy.
property_settings.register_profile("unhurried", deadline=None)
property_settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def validation_as_it_was() -> Iterator[None]:
    """Put back how strictly pydicom looks at values: commands silence it for their process."""
    settings = config.settings
    modes = (settings.reading_validation_mode, settings.writing_validation_mode)
    yield
    settings.reading_validation_mode, settings.writing_validation_mode = modes


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    """A protected Ray cluster of one machine with a foreman, for all tests that kill neither."""
    if find_spec("ray") is None:
        assert "CI" not in os.environ, "ray is missing"
        pytest.skip("ray is not installed; it comes with the extra deid-node[ray]")
    with ray_cluster(tmp_path_factory.mktemp("cluster")) as built:
        os.environ[RAY_OPTIONS] = built.options().model_dump_json()
        yield built
        del os.environ[RAY_OPTIONS]
