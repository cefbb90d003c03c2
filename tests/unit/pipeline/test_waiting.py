"""Which instances wait for their series: decided by rules and header, before anything is done."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions, Option
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.stack import place_of
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.series_options import WaitForSeriesOptions
from deid_node.values.order import Rival, WorkOrder
from deid_node.values.outcome import Cleaned, Outcome, Waiting, Withheld
from deid_node.values.series import InSeries
from tests.builders.slices import a_slice, volume
from tests.fakes.finder import finds_nothing
from tests.unit.pipeline.test_corridor import KEY, an_order

PIXELS = volume(1)[0]
WAITS = WaitForSeriesOptions(quiet_seconds=5)


def corridor(waits: WaitForSeriesOptions | None = WAITS, **route: Any) -> Corridor:
    options = frozenset({Option.CLEAN_PIXEL_DATA})
    scrubber = build_scrubber(MetadataOptions(), options, key=KEY)
    cleaner = PixelCleaner(finds_nothing(), build_inpainter(FillPolicy.AUTO, None))
    return Corridor(
        compile_router(RouteOptions.model_validate(route)),
        {"research": Treatment(cleaner, scrubber, options, waits=waits)},
        Provenance("nothing", "2026c"),
    )


def outcome_of(
    folder: Path, dataset: Dataset, by: Corridor | None = None, **changes: Any
) -> tuple[Outcome, WorkOrder]:
    path = folder / "a.dcm"
    dataset.save_as(path, enforce_file_format=True)
    order = replace(an_order(folder, path), **changes)
    return (by or corridor()).clean(order), order


def test_a_slice_waits_as_its_treatment_says_and_nothing_of_it_is_written(tmp_path: Path) -> None:
    dataset = a_slice(PIXELS, 3)

    outcome, order = outcome_of(tmp_path, dataset)

    place = place_of(dataset)
    assert place is not None
    assert outcome == Waiting("research", WAITS.limits, place, None)
    assert not order.output.exists()


@pytest.mark.parametrize(("said", "expected"), [(12, 12), (0, None), (-3, None), (None, None)])
def test_how_many_there_are_is_what_the_instance_says(
    tmp_path: Path, said: int | None, expected: int | None
) -> None:
    outcome, _ = outcome_of(tmp_path, a_slice(PIXELS, 3, NumberOfSeriesRelatedInstances=said))

    assert isinstance(outcome, Waiting)
    assert outcome.expected == expected


@pytest.mark.parametrize(
    "attributes", [{"Modality": "NM"}, {"ImagePositionPatient": None}], ids=["modality", "place"]
)
def test_what_no_other_could_be_beside_goes_on(tmp_path: Path, attributes: dict[str, Any]) -> None:
    outcome, _ = outcome_of(tmp_path, a_slice(PIXELS, 3, **attributes))

    assert isinstance(outcome, Cleaned)


def test_several_frames_go_on(tmp_path: Path) -> None:
    two = a_slice(PIXELS, 3, NumberOfFrames=2)
    two.PixelData *= 2

    outcome, _ = outcome_of(tmp_path, two)

    assert isinstance(outcome, Cleaned)


def test_a_treatment_that_does_not_wait_cleans_it_at_once(tmp_path: Path) -> None:
    outcome, _ = outcome_of(tmp_path, a_slice(PIXELS, 3), corridor(None))

    assert isinstance(outcome, Cleaned)


def test_what_has_waited_does_not_wait_again(tmp_path: Path) -> None:
    outcome, _ = outcome_of(tmp_path, a_slice(PIXELS, 3), series=InSeries("research", 0))

    assert isinstance(outcome, Cleaned)


def test_what_has_to_be_compared_is_compared_first(tmp_path: Path) -> None:
    outcome, _ = outcome_of(tmp_path, a_slice(PIXELS, 3), rivals=(Rival("aa", None),))

    assert isinstance(outcome, Withheld)
    assert outcome.code == "uid_conflict"


@pytest.mark.parametrize("then", [{"kind": "withhold"}, {"kind": "discard"}])
def test_what_a_rule_stops_is_stopped_at_once(tmp_path: Path, then: dict[str, str]) -> None:
    rules = [{"name": "stop", "when": {"kind": "always"}, "then": then}]

    outcome, _ = outcome_of(tmp_path, a_slice(PIXELS, 3), corridor(rules=rules))

    assert not isinstance(outcome, Waiting | Cleaned)
