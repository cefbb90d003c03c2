from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.remote.painter import RemotePainter
from tests.builders.inpainter import painter_of, tiny_model
from tests.fakes.finder import finds_nothing
from tests.fakes.model_hall import hall


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def remote_painter(
    tiny_painter: Painter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RemotePainter]:
    """The same model behind a line."""
    with hall(tmp_path_factory.mktemp("hall"), finds_nothing(), tiny_painter) as there:
        yield RemotePainter(tiny_painter, there.line())


@pytest.fixture(scope="session")
def tiny_painter(tiny_folder: Path) -> Painter:
    return painter_of(tiny_folder)
