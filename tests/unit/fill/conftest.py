from pathlib import Path

import pytest

from deid_node.pixels.fill.painter import Painter
from tests.builders.inpainter import painter_of, tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def tiny_painter(tiny_folder: Path) -> Painter:
    return painter_of(tiny_folder)
