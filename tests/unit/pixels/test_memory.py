"""Memory does not grow with the number of frames: neither of pixels nor of codestreams."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.bench.cine import clean_cine, write_cine

pytestmark = pytest.mark.slow

FEW, MANY = 24, 96
BATCH_BYTES = 8 << 20
FREEDOM_MEGABYTES = 16
"""What an allocator may keep beyond need; the long cine is 80 MB longer, or more."""


@pytest.mark.parametrize("kind", ["native", "grey", "rle"])
def test_a_cine_five_times_as_long_takes_no_more_memory(tmp_path: Path, kind: str) -> None:
    heights = []
    for frames in (FEW, MANY):
        path = tmp_path / f"{frames}.dcm"
        write_cine(path, kind=kind, frames=frames)
        # A process of its own: the height of memory cannot be taken back.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
            told = worker.submit(clean_cine, path, batch_bytes=BATCH_BYTES).result()
        heights.append(max(told[0].values()))

    assert heights[1] - heights[0] < FREEDOM_MEGABYTES
