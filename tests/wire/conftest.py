"""What the tests on the wire share: markers that know which programs are there."""

import os
from pathlib import Path

import pytest

from tests.fakes.programs import require

ROOT = Path(__file__).resolve().parents[2]


def shared_folder() -> Path:
    """Return the folder of shared data, which need not exist."""
    return Path(os.environ.get("DEID_NODE_SHARED", ROOT.parent / "shared"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail where a program or the shared data is missing."""
    for marker in item.iter_markers("peer"):
        require(*marker.args)
    if item.get_closest_marker("shared") and not shared_folder().is_dir():
        pytest.skip("needs the shared data folder (DEID_NODE_SHARED)")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder that does not exist yet."""
    return tmp_path / "node"
