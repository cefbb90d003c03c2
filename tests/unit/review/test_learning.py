"""What is proposed of what was filled: what stands, and nothing else."""

from collections.abc import Iterator, Sequence

import pytest

from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.review.learning import (
    LEAST_INSTANCES,
    LEAST_STUDIES,
    Screens,
    boxes_for,
    is_known,
    rule_of,
)
from deid_node.spool.proposals import Draft, Sealed
from deid_node.values.device import Device
from deid_node.values.geometry import Box
from deid_node.values.identity import InstanceId

US5 = Device("Acme", "US 5", "US", 600, 800)
NAME = Box(10, 8, 200, 28)


def sealed(
    count: int,
    *,
    studies: int = LEAST_STUDIES,
    device: Device = US5,
    boxes: Sequence[Box] = (NAME,),
) -> Iterator[Sealed]:
    for n in range(count):
        yield Sealed(n + 1, InstanceId(f"{n:016x}"), f"2.25.{n % studies}", device, tuple(boxes))


def drafts(*groups: Iterator[Sealed]) -> Sequence[Draft]:
    screens = Screens()
    for group in groups:
        screens.add(group)
    return screens.drafts()


def test_what_stands_in_every_instance_of_several_studies_is_proposed() -> None:
    (draft,) = drafts(sealed(LEAST_INSTANCES))

    (place,) = draft.places
    assert (place.box, place.instances, place.studies) == (NAME, LEAST_INSTANCES, LEAST_STUDIES)
    assert place.spread_pixels == 0
    assert (draft.device, draft.instances, draft.filled) == (US5, 20, ((NAME, 20),))


@pytest.mark.parametrize(
    "few",
    [
        sealed(LEAST_INSTANCES - 1),
        sealed(LEAST_INSTANCES, studies=LEAST_STUDIES - 1),
        sealed(LEAST_INSTANCES, device=Device("Acme", "", "US", 600, 800)),
    ],
    ids=["too few instances", "too few studies", "nobody knows which device"],
)
def test_less_is_not_enough(few: Iterator[Sealed]) -> None:
    assert drafts(few) == []


def test_what_does_not_stand_in_nearly_all_is_not_proposed() -> None:
    assert drafts(sealed(27), sealed(4, boxes=())) == []
    assert len(drafts(sealed(27), sealed(3, boxes=()))) == 1


def test_a_line_that_is_longer_at_times_is_one_place_as_long_as_the_longest() -> None:
    longer = Box(10, 9, 320, 29)

    (draft,) = drafts(sealed(15), sealed(15, boxes=(longer,)))

    (place,) = draft.places
    assert place.box == Box(10, 8, 320, 29)
    assert place.instances == 30
    assert place.spread_pixels == 120


def test_two_lines_are_two_places_and_a_text_that_wanders_is_none() -> None:
    date = Box(10, 34, 120, 54)
    wandering = [
        one
        for n in range(30)
        for one in sealed(1, boxes=(NAME, date, Box(20 * n, 300 + 9 * n, 20 * n + 60, 310 + 9 * n)))
    ]

    studies = [Sealed(n, s.id, f"2.25.{n}", s.device, s.boxes) for n, s in enumerate(wandering)]
    (draft,) = drafts(iter(studies))

    assert [place.box for place in draft.places] == [NAME, date]


def test_devices_and_sizes_are_told_apart() -> None:
    smaller = Device("Acme", "US 5", "US", 480, 640)

    found = drafts(sealed(30), sealed(30, device=smaller))

    assert [draft.device for draft in found] == [smaller, US5]


def test_the_rule_is_for_this_device_and_this_size() -> None:
    (draft,) = drafts(sealed(30))

    rule = rule_of(draft)

    assert (rule.manufacturer, rule.model, rule.modality) == ("Acme", "US 5", "US")
    assert (rule.rows, rule.columns) == (600, 800)
    assert list(boxes_for([rule], US5)) == [NAME]
    assert list(boxes_for([rule], Device("ACME", "us 5", "US", 600, 801))) == []


def test_a_rule_that_asks_for_more_is_not_one_for_every_instance() -> None:
    (draft,) = drafts(sealed(30))
    some = DeviceRegionsOptions.model_validate(
        {
            **rule_of(draft).model_dump(),
            "where": [{"attribute": "SeriesDescription", "value": "dose"}],
        }
    )

    assert list(boxes_for([some], US5)) == []


def test_what_reaches_a_few_pixels_beyond_is_known_already() -> None:
    assert is_known(Box(6, 4, 204, 32), [NAME], US5)
    assert not is_known(Box(10, 8, 220, 28), [NAME], US5)
