"""The node's configuration in the compose set-up is one that the node takes."""

import pytest

from deid_node.config.load import load
from deid_node.errors import ConfigurationError
from deid_node.forward.options import CStoreOptions
from tests.unit.docker.programs import DOCKER


def test_the_configuration_is_valid() -> None:
    config = load(DOCKER / "node.yaml", {"ARCHIVE_HOST": "orthanc"})

    archive = config.forward.destinations["archive"]
    assert isinstance(archive, CStoreOptions)
    assert archive.host == "orthanc"
    assert config.observe.http.host == "0.0.0.0"


def test_without_its_environment_it_refuses_and_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="ARCHIVE_HOST"):
        load(DOCKER / "node.yaml", {})
