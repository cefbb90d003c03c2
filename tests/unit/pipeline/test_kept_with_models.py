"""With the finder and the reader that ship: a side mark stays, a name goes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory
from deid_node.spool.files import PLAIN
from deid_node.values.geometry import Box
from tests.unit.pipeline.test_kept_text import a_film, an_order, sealed

SIDE, NAME, SCALE = Box(20, 12, 60, 48), Box(16, 100, 200, 140), Box(16, 200, 140, 236)


def tissue() -> NDArray[np.uint8]:
    grain = np.random.default_rng(0).normal(40, 60, (260, 300)).astype(np.float32)
    frame = np.clip(np.asarray(cv2.GaussianBlur(grain, (0, 0), 6)), 0, 255).astype(np.uint8)
    for text, box in (("R", SIDE), ("DOE^JANE", NAME), ("5 cm", SCALE)):
        at = (box.left + 6, box.bottom - 10)
        cv2.putText(frame, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 250, 2, cv2.LINE_AA)
    return frame


@pytest.mark.req("REQ-PX-10")
def test_a_mark_and_a_scale_stay_and_the_name_goes(tmp_path: Path) -> None:
    film, frame = a_film({}), tissue()
    film.PixelData = frame.tobytes()
    film.Rows, film.Columns = frame.shape
    order = an_order(tmp_path, film)
    config = Config.model_validate(
        {
            "treatments": {
                "research": {"text": "keep_listed", "keep": ["@laterality", "@measurements"]}
            },
            "pixels": {"finder": {"device": "cpu"}, "reader": {"device": "cpu"}},
        }
    )

    corridor = corridor_factory(config, keys=[bytes(range(32))], files=PLAIN, offline=True)()
    report = sealed(corridor.clean(order)).report

    result = dcmread(order.output).pixel_array
    assert [len([k for k in report.kept if k.box.intersects(box)]) for box in (SIDE, SCALE)] == [
        1,
        1,
    ]
    assert len(report.kept) == 2
    for box in (SIDE, SCALE):
        assert np.array_equal(result[box.slices], frame[box.slices])
    # Letters are 250 on tissue of at most 120 or so: none of them is left.
    assert frame[NAME.slices].max() == 250
    assert result[NAME.slices].max() < 150
