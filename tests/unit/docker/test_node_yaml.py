"""The node's configuration in the compose set-up is one that the node takes."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from deid_node.errors import ConfigurationError
from tests.architecture.source import house_stands
from tests.unit.docker.programs import DOCKER

pytestmark = pytest.mark.skipif(not house_stands(), reason="the schema is being built")


@pytest.fixture
def load() -> Callable[..., Any]:
    loader: Callable[..., Any] = importlib.import_module("deid_node.config.load").load
    return loader


def test_the_configuration_is_valid(load: Callable[..., Any]) -> None:
    config = load(DOCKER / "node.yaml", {"ARCHIVE_HOST": "orthanc"})

    assert config.forward.destinations["archive"].host == "orthanc"
    assert config.observe.http.host == "0.0.0.0"


def test_without_its_environment_it_refuses_and_names_the_variable(
    load: Callable[..., Any],
) -> None:
    with pytest.raises(ConfigurationError, match="ARCHIVE_HOST"):
        load(DOCKER / "node.yaml", {})
