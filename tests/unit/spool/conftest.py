from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions


@pytest.fixture
def options(tmp_path: Path) -> SpoolOptions:
    return SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0)


@pytest.fixture
def custody(options: SpoolOptions) -> Iterator[Custody]:
    custody = Custody(options, exclusive=True)
    custody.open()
    yield custody
    custody.close()
