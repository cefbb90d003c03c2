"""A look at what was delivered: shown as it left and as it came, and what follows of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deid_node.dicom import part10
from deid_node.review.build import drawing_of
from deid_node.review.options import ReviewOptions
from deid_node.spool.decisions import Decisions
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.samples import Drawing
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.custody import Spool
from tests.builders.desk import BOX, DeskHouse, a_desk, as_received, until
from tests.builders.samples import packaged
from tests.builders.values import a_clean_instance, an_arrival
from tests.unit.review.test_desk import SENT_BOX, grey

EVERY_ONE = Drawing(b"k" * 32, 1000, keep_seconds=3600, most=10)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path) as house:
        yield house


def deliver(house: DeskHouse, uid: str = "1.2.3") -> InstanceId:
    """Let a slice be delivered of which a corner was made black; it is drawn."""
    spool = Spool(house.custody, EVERY_ONE)
    accepted = spool.accept(an_arrival(uid), [as_received(packaged("CT_small.dcm"))])
    order = spool.claim(accepted.instance.id)
    assert isinstance(order, WorkOrder)
    cleaned = part10.read(order.blob)
    pixels = cleaned.pixel_array.copy()
    pixels[BOX.slices] = pixels.min()
    cleaned.PixelData = pixels.tobytes()
    part10.write(cleaned, order.output)
    clean = a_clean_instance(order.id, BlobRef(f"{order.id}.dcm", 1, "0" * 64))
    assert spool.record(order, Cleaned(clean))
    receipt = Receipt(clean.id, "archive", DeliveryResult.DELIVERED, 0)
    Deliveries(house.custody).settle(receipt)
    return order.id


def _value(house: DeskHouse, name: str) -> float | None:
    return house.metrics.registry.get_sample_value(name)


def test_samples_are_a_list_of_their_own(house: DeskHouse) -> None:
    house.withhold("MR_small.dcm", uid="1.2.4")
    instance = deliver(house)
    browser = house.browser("vera")

    waiting, samples = browser.get("/").text, browser.get("/?queue=samples").text

    assert "1 waiting" in waiting
    assert "1 delivered, to be looked at" in samples
    assert f"/instances/{instance}?queue=samples" in samples
    assert f"/instances/{instance}" not in waiting


def test_it_is_shown_as_it_left_and_as_it_came(house: DeskHouse) -> None:
    instance = deliver(house)
    browser = house.browser("vera")

    left = browser.get(f"/instances/{instance}/frames/0.png").body
    came = browser.post(f"/instances/{instance}/after", {"at": 0}).body

    changed = np.not_equal(grey(left), grey(came))
    assert changed[BOX.slices].any()
    changed[BOX.slices] = False
    assert not changed.any()
    assert len(np.unique(grey(left)[BOX.slices])) == 1


def test_its_page_says_where_it_went_and_what_can_be_done(house: DeskHouse) -> None:
    instance = deliver(house)

    page = house.browser("rita").get(f"/instances/{instance}?queue=samples").text

    assert "was something missed?" in page
    assert "<dt>Went to</dt><dd>archive</dd>" in page
    assert "2.25." in page
    assert 'data-choices="nothing_missed missed"' in page


def test_looks_and_misses_are_counted(house: DeskHouse) -> None:
    first, second = deliver(house, "1.2.1"), deliver(house, "1.2.2")
    browser = house.browser("rita")
    zero = _value(house, "deid_node_sampled_looks_total")

    sent = {"verb": "missed", "reason": "noted", "fill": [SENT_BOX]}
    browser.post(f"/instances/{first}/decision?queue=samples", {"verb": "nothing_missed"})
    browser.post(f"/instances/{second}/decision?queue=samples", sent)
    until(lambda: len(Decisions(house.custody).untold()) == 2)
    until(lambda: _value(house, "deid_node_sampled_looks_total") == 2)

    assert zero == 0
    assert _value(house, "deid_node_sampled_misses_total") == 1
    assert house.offered == []


def test_what_was_missed_walks_again_with_what_was_boxed(house: DeskHouse) -> None:
    instance = deliver(house)

    sent = {"verb": "missed", "reason": "again", "fill": [SENT_BOX]}
    answer = house.browser("rita").post(f"/instances/{instance}/decision", sent)
    until(lambda: bool(house.offered))

    assert answer.status == 200
    assert house.offered == [(instance, "SCANNER")]
    order = Spool(house.custody).claim(instance)
    assert isinstance(order, WorkOrder)
    assert order.markings is not None
    assert [one.box for one in order.markings.fill] == [BOX]


@pytest.mark.parametrize(
    "said",
    [
        {"verb": "missed", "fill": [SENT_BOX]},
        {"verb": "missed", "reason": "again"},
        {"verb": "missed", "reason": "no_image", "fill": [SENT_BOX]},
        {"verb": "nothing_missed", "reason": "noted"},
        {"verb": "fill", "fill": [SENT_BOX]},
        {"verb": "discard", "reason": "other"},
    ],
)
def test_of_a_sample_nothing_else_is_said(house: DeskHouse, said: object) -> None:
    instance = deliver(house)

    assert house.browser("rita").post(f"/instances/{instance}/decision", said).status == 409


def test_of_what_is_withheld_nobody_says_that_something_was_missed(house: DeskHouse) -> None:
    instance = house.withhold()

    sent = {"verb": "nothing_missed"}
    assert house.browser("rita").post(f"/instances/{instance}/decision", sent).status == 409


def test_nothing_is_drawn_unless_a_site_says_so(tmp_path: Path) -> None:
    off = ReviewOptions(users_file=tmp_path / "users")
    on = replace_options(off, sample_per_thousand=5)

    assert drawing_of(None, bytes(32)) is None
    assert drawing_of(off, bytes(32)) is None
    drawing = drawing_of(on, bytes(32))
    assert drawing is not None
    assert (drawing.per_thousand, drawing.most) == (5, 200)
    assert drawing.key != bytes(32)
    assert "key" not in repr(drawing)


def replace_options(options: ReviewOptions, **changes: object) -> ReviewOptions:
    return options.model_copy(update=changes)
