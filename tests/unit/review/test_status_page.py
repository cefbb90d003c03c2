"""What the desk tells of the node, to whom, and who may ask by which identifier."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.observe.events import Event
from deid_node.spool.decisions import Decisions, Verb
from tests.builders.desk import DeskHouse, a_desk
from tests.unit.spool.test_inventory import SERIES
from tests.unit.spool.test_series import state_of, waits

SENT = "1.2.840.4711"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path) as house:
        house.withhold(code="no_rule")
        house.custody.write(
            lambda transaction: transaction.connection.execute(
                "UPDATE instances SET study_instance_uid = ?", (SENT,)
            )
        )
        yield house


@pytest.mark.parametrize("name", ["vera", "rita", "adam"])
def test_whoever_is_signed_in_sees_how_the_node_is(house: DeskHouse, name: str) -> None:
    page = house.browser(name).get("/status")

    assert page.status == 200
    for told in ("withheld", "archive", "0.0.0.0:11112", "127.0.0.1:9464", "GB free"):
        assert told in page.text
    assert house.browser().get("/status").status == 303


def test_a_study_is_found_by_what_it_was_sent_with_by_those_who_may(house: DeskHouse) -> None:
    admin = house.browser("adam")

    by_uid = admin.form("/status/sent", wanted=SENT, by="study")
    nothing = admin.form("/status/sent", wanted="1.9.9", by="study")

    assert "1 instances" in by_uid.text
    assert "withheld: no rule" in by_uid.text
    assert "Nothing of it has come" in nothing.text
    assert SENT not in by_uid.text
    assert [line["state"] for line in house.log.lines_of(Event.STUDY_SEARCHED)] == ["study"] * 2
    assert SENT not in house.log.text


@pytest.mark.parametrize("name", ["vera", "rita"])
def test_who_may_not_see_values_asks_by_the_new_uid_only(house: DeskHouse, name: str) -> None:
    browser = house.browser(name)

    assert browser.form("/status/sent", wanted="1.2", by="study").status == 403
    assert 'action="/status/sent"' not in browser.get("/status").text
    # An UID as it was sent finds nothing there, though the journal knows it.
    left = browser.form("/status/left", wanted=SENT)
    assert "Nothing of it has come" in left.text


@pytest.mark.parametrize(("name", "status"), [("vera", 403), ("rita", 200), ("adam", 200)])
def test_who_decides_may_ask_a_destination_whether_it_is_there(
    house: DeskHouse, name: str, status: int
) -> None:
    answer = house.browser(name).form("/status/echo", destination="archive")

    assert answer.status == status
    assert ("answers" in answer.text) is (status == 200)


def test_why_a_destination_is_not_there_is_told(
    house: DeskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(_name: str, _options: object) -> None:
        raise DestinationUnavailable("the destination did not answer in time")

    monkeypatch.setattr("deid_node.status.probe", probe)

    answer = house.browser("rita").form("/status/echo", destination="archive")

    assert "the destination did not answer in time" in answer.text
    assert house.browser("rita").form("/status/echo", destination="gone").status == 409


@pytest.mark.parametrize(("name", "status"), [("vera", 403), ("rita", 403), ("adam", 303)])
def test_only_an_admin_has_the_configuration_read_anew(
    house: DeskHouse, name: str, status: int
) -> None:
    assert house.browser(name).form("/status/reload").status == status
    assert len(house.reloads) == (status == 303)


@pytest.mark.parametrize(("name", "status"), [("vera", 403), ("rita", 303), ("adam", 303)])
def test_who_decides_may_let_a_series_go_on_that_is_waited_for(
    house: DeskHouse, name: str, status: int
) -> None:
    instance, _ = waits(house.custody, 1)
    browser = house.browser(name)

    page = browser.get("/status").text
    answer = browser.form("/status/series", number="1")

    assert "Series that are waited for" in page
    assert SERIES not in page
    assert ("Let it go on" in page) is (status == 303)
    assert answer.status == status
    assert state_of(house.custody, instance) == ("received" if status == 303 else "held")
    decided = [(one.verb, one.person) for one in Decisions(house.custody).untold()]
    assert decided == ([(Verb.RELEASE_SERIES, f"desk/{name}")] if status == 303 else [])
    assert ("Series that are waited for" in browser.get("/status").text) is (status == 403)


@pytest.mark.parametrize("number", ["", "one", "1" * 13, "\u0661"])
def test_a_series_that_nobody_can_mean_is_refused(house: DeskHouse, number: str) -> None:
    waits(house.custody, 1)

    assert house.browser("rita").form("/status/series", number=number).status == 409


def test_nothing_is_asked_from_another_page(house: DeskHouse) -> None:
    admin = house.browser("adam")
    admin.token = "stolen"  # noqa: S105

    for path in (
        "/status/sent",
        "/status/left",
        "/status/echo",
        "/status/reload",
        "/status/series",
    ):
        assert admin.form(path, wanted="1.2").status == 403
    assert house.reloads == []
