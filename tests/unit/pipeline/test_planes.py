"""Overlay planes from the pixel room to the written file: two rooms must agree that one stays."""

from pathlib import Path

import numpy as np
import pytest

from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.find.base import Finder
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.values.geometry import Box
from tests.builders.samples import packaged
from tests.fakes.finder import ScriptedFinder, finds_nothing
from tests.unit.pipeline.test_corridor import KEY, an_order, cleaned

OPTIONS = frozenset({Option.CLEAN_PIXEL_DATA, Option.CLEAN_GRAPHICS})


def corridor(finder: Finder, *, asked: bool, kept: bool) -> Corridor:
    options = OPTIONS if kept else OPTIONS - {Option.CLEAN_GRAPHICS}
    treatment = Treatment(
        PixelCleaner(finder, SolidInpainter(), second_look=finds_nothing(), keep_overlays=asked),
        build_scrubber(MetadataOptions(), options, key=KEY),
        options,
    )
    router = compile_router(RouteOptions())
    return Corridor(router, {"research": treatment}, Provenance("scripted", "2024e"))


@pytest.mark.parametrize(
    ("asked", "kept", "stays"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_plane_stays_where_both_rooms_let_it(
    tmp_path: Path, asked: bool, kept: bool, stays: bool
) -> None:
    order = an_order(tmp_path, packaged("examples_overlay.dcm"))

    result = cleaned(corridor(finds_nothing(), asked=asked, kept=kept), order)

    assert ((0x6000, 0x3000) in result) is stays
    assert not [e for e in result if e.tag.group == 0x6000 and e.tag.elem in {0x0022, 0x1500}]


def test_a_plane_on_which_something_is_read_does_not_reach_the_file(tmp_path: Path) -> None:
    def on_planes(frame: DisplayFrame) -> list[Box]:
        return [Box(0, 0, 9, 9)] if np.unique(frame).size == 2 else []

    order = an_order(tmp_path, packaged("examples_overlay.dcm"))

    result = cleaned(corridor(ScriptedFinder(on_planes), asked=True, kept=True), order)

    assert not [element for element in result if element.tag.group == 0x6000]
    assert "PixelData" in result
