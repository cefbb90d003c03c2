"""Looking at what is withheld, and deciding: what a page shows and what it lets be done."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.errors import withhold_codes
from deid_node.observe.events import Event
from deid_node.review.looker import Looker
from deid_node.review.renderer import PictureFailed, Renderer
from deid_node.review.words import WORDS, keywords_in
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.files import PLAIN
from deid_node.spool.staged import Desk
from deid_node.spool.withheld import WorkList
from deid_node.values.order import WorkOrder
from tests.builders.custody import Spool
from tests.builders.desk import BOX, DeskHouse, PreviewsOfABox, a_desk, until
from tests.fakes.event_log import RecordingLog

SENT_BOX = {
    "frame": 0, "left": BOX.left, "top": BOX.top, "right": BOX.right, "bottom": BOX.bottom,
}  # fmt: skip


def grey(png: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(picture, np.uint8)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path) as house:
        yield house


def test_every_code_has_words_and_something_that_can_be_done() -> None:
    assert set(WORDS) == set(withhold_codes())
    assert all(words.what and words.can and words.choices for words in WORDS.values())


def test_what_the_second_look_of_the_header_withholds_is_not_let_through_here() -> None:
    choices = WORDS["identifier_left"].choices

    assert Verb.NO_TEXT not in choices
    assert Verb.FILL not in choices


def test_reasons_name_attributes() -> None:
    assert keywords_in("original identifier found again in PatientName") == ("PatientName",)
    assert keywords_in("no routing rule matched") == ()


def test_the_work_list_is_oldest_first_and_narrowed_by_what_is_known(house: DeskHouse) -> None:
    house.withhold("CT_small.dcm", uid="1.2.1")
    house.withhold("MR_small.dcm", uid="1.2.2", code="no_rule", boxes=())
    browser = house.browser("vera")
    until(lambda: "still being read" not in browser.get("/").text)

    everything, ct, mr = (
        browser.get(path).text for path in ("/", "/?modality=CT", "/?code=no_rule")
    )

    assert everything.index("text uncertain</td>") < everything.index("no rule</td>")
    assert ("1 waiting" in ct, "1 waiting" in mr, "2 waiting" in everything) == (True,) * 3
    assert "<td>CT</td>" in ct
    assert "<td>CT</td>" not in mr


def test_groups_by_device_and_reason_lead_to_their_lists(house: DeskHouse) -> None:
    for number in range(3):
        house.withhold("CT_small.dcm", uid=f"1.2.{number}")
    house.withhold("CT_small.dcm", uid="1.2.8", code="no_rule", boxes=())
    house.withhold("MR_small.dcm", uid="1.2.9")
    browser = house.browser("vera")
    until(lambda: "still being read" not in browser.get("/").text)

    page = browser.get("/?grouped=1").text
    links = re.findall(r'<td><a href="([^"]+)">([^<]+)</a></td>', page)
    narrowed = browser.get(links[0][0].replace("&amp;", "&")).text

    assert [device for _, device in links] == [
        "GE MEDICAL SYSTEMS RHAPSODE", "GE MEDICAL SYSTEMS RHAPSODE", "TOSHIBA_MEC MRT50H1",
    ]  # fmt: skip
    assert re.findall(r'<td class="number">(\d+)</td>', page)[0] == "3"
    assert "3 waiting" in narrowed
    assert "By device and reason" in narrowed


def test_the_surest_text_comes_first_where_that_is_asked_for(house: DeskHouse) -> None:
    house.withhold("MR_small.dcm", uid="1.2.1", code="no_rule", boxes=())
    house.withhold("CT_small.dcm", uid="1.2.2")
    browser = house.browser("vera")
    until(lambda: "still being read" not in browser.get("/").text)

    sorted_groups = browser.get("/?grouped=1&sort=doubt").text
    plain = browser.get("/?sort=doubt").text

    assert sorted_groups.index("RHAPSODE</a>") < sorted_groups.index("MRT50H1</a>")
    assert plain.index("text uncertain</td>") < plain.index("no rule</td>")


def test_no_page_names_the_patient(house: DeskHouse) -> None:
    instance = house.withhold()
    browser = house.browser("rita")
    until(lambda: "still being read" not in browser.get("/").text)

    for page in (browser.get("/").text, browser.get(f"/instances/{instance}").text):
        assert "CompressedSamples" not in page
        assert "1.3.6.1.4.1.5962" not in page


def test_a_frame_is_shown_as_it_came(house: DeskHouse) -> None:
    instance = house.withhold()

    answer = house.browser("vera").get(f"/instances/{instance}/frames/0.png")

    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"] == "no-store"
    assert grey(answer.body).shape == (128, 128)


def test_a_frame_that_is_not_there_says_so(house: DeskHouse) -> None:
    instance = house.withhold()
    browser = house.browser("vera")

    assert browser.get(f"/instances/{instance}/frames/7.png").status == 422
    assert browser.get("/instances/0000/frames/0.png").status == 409


def test_what_takes_its_process_down_is_not_shown_and_harms_nothing(house: DeskHouse) -> None:
    broken = house.withhold("CT_small.dcm", uid="1.2.1")
    (house.custody.blobs.received / f"{broken}.dcm").write_bytes(b"no DICOM at all")
    well = house.withhold("MR_small.dcm", uid="1.2.2")
    browser = house.browser("vera")

    assert browser.get(f"/instances/{broken}/frames/0.png").status == 422
    assert browser.get(f"/instances/{broken}").status == 200
    assert browser.get(f"/instances/{well}/frames/0.png").status == 200
    assert house.log.lines_of(Event.PICTURE_FAILED)


class _Hungry(Looker):
    def __init__(self) -> None:
        super().__init__(PreviewsOfABox, PLAIN, str)

    def before(self, blob: Path, frame: int) -> bytes:
        return bytes(4_000_000_000)


def test_memory_is_bounded_where_pictures_are_made(house: DeskHouse) -> None:
    order = Desk(house.custody).order(house.withhold())
    hungry = Renderer(
        _Hungry, memory_limit_bytes=512_000_000, picture_seconds=60, log=RecordingLog()
    )

    with pytest.raises(PictureFailed) as told:
        hungry.before(order, 0)
    hungry.stop()

    assert told.value.why == "memory_limit"


def test_after_is_what_the_corridor_would_make_of_it(house: DeskHouse) -> None:
    instance = house.withhold()
    browser = house.browser("vera")

    answer = browser.post(f"/instances/{instance}/after", {"at": 0, "fill": [SENT_BOX]})

    assert answer.status == 200
    before = browser.get(f"/instances/{instance}/frames/0.png").body
    changed = np.not_equal(grey(before), grey(answer.body))
    assert changed[BOX.slices].any()
    changed[BOX.top - 8 : BOX.bottom + 8, BOX.left - 8 : BOX.right + 8] = False
    assert not changed.any()


def test_what_would_be_withheld_again_is_said_before_it_is_decided(house: DeskHouse) -> None:
    instance = house.withhold()
    elsewhere = {"frame": None, "left": 90, "top": 90, "right": 110, "bottom": 100}

    answer = house.browser("vera").post(
        f"/instances/{instance}/after", {"at": 0, "fill": [elsewhere]}
    )

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json["code"] == "text_uncertain"


def test_a_decision_walks_with_its_boxes_and_leads_to_the_next(house: DeskHouse) -> None:
    first, second = house.withhold(uid="1.2.1"), house.withhold("MR_small.dcm", uid="1.2.2")
    browser = house.browser("rita")

    answer = browser.post(
        f"/instances/{first}/decision?code=text_uncertain", {"verb": "fill", "fill": [SENT_BOX]}
    )

    assert answer.json == {"next": f"/instances/{second}?code=text_uncertain"}
    until(lambda: bool(house.offered))
    assert house.offered == [(first, "SCANNER")]
    order = Spool(house.custody).claim(first)
    assert isinstance(order, WorkOrder)
    assert order.markings is not None
    assert order.markings.fill[0].box == BOX
    (told,) = Decisions(house.custody).untold()
    assert (told.person, told.verb) == ("desk/rita", Verb.FILL)


def test_no_text_lets_stay_what_was_shown_and_nothing_else(house: DeskHouse) -> None:
    instance = house.withhold()
    house.browser("rita").post(
        f"/instances/{instance}/decision", {"verb": "no_text", "stays": [], "fill": [SENT_BOX]}
    )
    until(lambda: bool(house.offered))

    order = Spool(house.custody).claim(instance)

    assert isinstance(order, WorkOrder)
    assert order.markings is not None
    assert order.markings.fill == ()
    assert [one.box for one in order.markings.stays] == [BOX]


def test_nothing_stays_that_was_not_shown(house: DeskHouse) -> None:
    instance = house.withhold()
    unseen = {**SENT_BOX, "right": 120, "bottom": 120}

    answer = house.browser("rita").post(
        f"/instances/{instance}/decision", {"verb": "fill", "fill": [SENT_BOX], "stays": [unseen]}
    )

    assert answer.status == 409
    assert [entry.id for entry in WorkList(house.custody).entries()] == [instance]


@pytest.mark.parametrize(
    "said",
    [
        {"verb": "fill"},
        {"verb": "release"},
        {"verb": "redeliver"},
        {"verb": "discard"},
        {"verb": "discard", "reason": "because"},
        {"verb": "hold", "reason": "other"},
        {"verb": "fill", "fill": [{**SENT_BOX, "right": 1}]},
        {"verb": "fill", "fill": [{**SENT_BOX, "left": -1}]},
        {"verb": "fill", "fill": [{**SENT_BOX, "more": 1}]},
        {"verb": "fill", "fill": [SENT_BOX] * 2001},
        {},
        [],
    ],
)
def test_what_cannot_be_decided_is_refused_and_changes_nothing(
    house: DeskHouse, said: object
) -> None:
    instance = house.withhold()

    answer = house.browser("rita").post(f"/instances/{instance}/decision", said)

    assert answer.status == 409
    assert Decisions(house.custody).untold() == []
    assert [entry.id for entry in WorkList(house.custody).entries()] == [instance]


def test_a_discard_keeps_its_reason_and_is_gone(house: DeskHouse) -> None:
    instance = house.withhold()
    house.browser("rita").post(
        f"/instances/{instance}/decision", {"verb": "discard", "reason": "no_image"}
    )
    until(lambda: not WorkList(house.custody).entries())

    (told,) = Decisions(house.custody).untold()

    assert told.detail == '{"reason": "no_image"}'
    assert (
        house.metrics.registry.get_sample_value(
            "deid_node_review_decisions_total", {"decision": "discard"}
        )
        == 1
    )


def test_what_is_put_aside_is_found_where_it_was_put(house: DeskHouse) -> None:
    instance = house.withhold()
    browser = house.browser("rita")
    browser.post(f"/instances/{instance}/decision", {"verb": "hold"})
    until(lambda: "1 put aside" in browser.get("/?queue=held").text)

    assert "0 waiting" in browser.get("/").text
    assert house.offered == []


def test_a_decision_can_be_taken_back_until_it_leaves(tmp_path: Path) -> None:
    with a_desk(tmp_path, undo_seconds=60) as house:
        instance = house.withhold()
        browser, other = house.browser("rita"), house.browser("adam")
        browser.post(f"/instances/{instance}/decision", {"verb": "discard", "reason": "other"})
        decided = browser.get("/").text

        not_mine = other.post("/undo", {})
        taken_back = browser.post("/undo", {})
        again = browser.post("/undo", {})

        assert "0 waiting" in decided
        assert not_mine.status == 409
        assert taken_back.json == {"next": f"/instances/{instance}"}
        assert again.status == 409
        assert "1 waiting" in browser.get("/").text


@pytest.mark.parametrize("person", ["vera", "rita"])
def test_roles_bound_what_a_person_may(house: DeskHouse, person: str) -> None:
    instance = house.withhold()
    browser = house.browser(person)

    assert browser.post(f"/instances/{instance}/values", {}).status == 403
    if person == "vera":
        sent = {"verb": "discard", "reason": "other"}
        assert browser.post(f"/instances/{instance}/decision", sent).status == 403
        assert "data-act" not in browser.get(f"/instances/{instance}").text


def test_values_are_shown_to_who_may_see_them_and_that_is_written_down(house: DeskHouse) -> None:
    instance = house.withhold(
        code="identifier_left", reason="original identifier found again in PatientName", boxes=()
    )
    browser = house.browser("adam")
    page = browser.get(f"/instances/{instance}").text

    told = browser.post(f"/instances/{instance}/values", {}).json

    assert "CompressedSamples" not in page
    assert {"attribute": "PatientName", "value": "CompressedSamples^CT1"} in told
    (noted,) = Decisions(house.custody).untold()
    assert (noted.person, noted.verb) == ("desk/adam", Verb.SHOW_VALUES)
    assert noted.detail is not None
    assert "CompressedSamples" not in noted.detail
    assert json.loads(noted.detail)["attributes"][0] == "PatientName"


def test_fifty_are_on_a_page(house: DeskHouse) -> None:
    for number in range(51):
        house.withhold(uid=f"1.2.{number + 1}", code="no_rule", boxes=())
    browser = house.browser("vera")

    first, second, beyond = (browser.get(f"/?page={n}").text for n in ("1", "2", "99999"))

    assert first.count("<tr>") == 51
    assert second.count("<tr>") == 2
    assert beyond.count("<tr>") == 2


def test_a_fault_of_ours_is_told_by_its_kind_and_printed_nowhere(
    house: DeskHouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("CompressedSamples^CT1")

    browser = house.browser("vera")
    monkeypatch.setattr("deid_node.review.pages.listing", fail)

    answer = browser.get("/")

    assert answer.status == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    # The answer is out before the fault has come up to where it is told.
    until(lambda: bool(house.log.lines_of(Event.DESK_FAILED)))
    assert house.log.lines_of(Event.DESK_FAILED)[0]["error"] == "RuntimeError"
    assert "CompressedSamples" not in answer.text + house.log.text + "".join(capfd.readouterr())


def test_the_log_names_nobody(house: DeskHouse) -> None:
    instance = house.withhold()
    browser = house.browser("rita")
    browser.get(f"/instances/{instance}")
    browser.get(f"/instances/{instance}/frames/9.png")

    for secret in ("rita", "review-it", "CompressedSamples", "127.0.0.1"):
        assert secret not in house.log.text
