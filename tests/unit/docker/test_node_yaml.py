"""The node's configuration in the compose set-up is one that the node takes."""

import pytest

from deid_node.errors import ConfigurationError
from tests.unit.docker.programs import DOCKER

load = pytest.importorskip("deid_node.config.load", reason="the schema is being built").load


def test_the_configuration_is_valid() -> None:
    config = load(DOCKER / "node.yaml", {"ARCHIVE_HOST": "orthanc"})

    assert config.forward.destinations["archive"].host == "orthanc"
    assert config.observe.http.host == "0.0.0.0"


def test_without_its_environment_it_refuses_and_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="ARCHIVE_HOST"):
        load(DOCKER / "node.yaml", {})
