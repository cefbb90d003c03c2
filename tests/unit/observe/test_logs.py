"""The log: its lines, its levels, its manners."""

import io
import json
import threading
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest

from deid_node.observe.events import Event
from deid_node.observe.fields import FIELDS
from deid_node.observe.logs import EventLog, LogLevel
from tests.fakes.event_log import RecordingLog

CANARIES = ("CANARY^JANE^A", "Canary Jane", "19700102", "1.3.6.1.4.1.5962.99.1", "MRN-Canary 7")


def at_noon() -> datetime:
    return datetime(2026, 3, 4, 13, 11, 12, 345678, tzinfo=timezone(timedelta(hours=2)))


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def untyped(fields: dict[str, object]) -> Any:
    """Hide `fields` from the type checker, which would refuse them."""
    return fields


def test_a_line_reads_as_the_style_guide_shows_it() -> None:
    stream = io.StringIO()

    EventLog(stream, "info", clock=at_noon).info(
        Event.INSTANCE_CLEANED, instance="7f3c9a", frames=24, regions=3, seconds=1.84
    )

    assert stream.getvalue() == (
        '{"at":"2026-03-04T11:11:12.345Z","level":"info","event":"instance_cleaned",'
        '"instance":"7f3c9a","frames":24,"regions":3,"seconds":1.84}\n'
    )


def test_a_line_for_people_says_the_same() -> None:
    stream = io.StringIO()

    EventLog(stream, "info", form="text", clock=at_noon).info(
        Event.INSTANCE_CLEANED, instance="7f3c9a", frames=24, seconds=1.84
    )

    at, told = stream.getvalue().split(" ", 1)
    assert at == "2026-03-04T11:11:12.345Z"
    assert told.split() == [
        "[info", "]", "instance_cleaned", "instance=7f3c9a", "frames=24", "seconds=1.84",
    ]  # fmt: skip
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_events_below_the_level_are_not_written(level: LogLevel, written: list[str]) -> None:
    stream = io.StringIO()
    log = EventLog(stream, level)

    log.debug(Event.NODE_READY)
    log.info(Event.NODE_READY)
    log.warning(Event.NODE_READY)
    log.error(Event.NODE_READY)

    assert [line["level"] for line in lines_of(stream)] == written


def test_a_key_without_a_value_is_left_out() -> None:
    log = RecordingLog()

    log.info(Event.INSTANCE_DISCARDED, instance="7f", rule=None)

    assert "rule" not in log.lines[0]


def test_bound_fields_stand_on_every_line_of_the_bound_log_only() -> None:
    log = RecordingLog()
    bound = log.with_fields(association="a-1", peer="CT1")

    bound.info(Event.INSTANCE_RECEIVED, instance="7f")
    log.info(Event.NODE_STOPPED)

    assert log.lines[0]["association"] == "a-1"
    assert log.lines[0]["peer"] == "CT1"
    assert "association" not in log.lines[1]


def test_an_unknown_field_is_left_out_and_told() -> None:
    stream = io.StringIO()

    EventLog(stream, "info").info(Event.NODE_READY, **untyped({"patient_name": CANARIES[0]}))

    ready, dropped = lines_of(stream)
    assert set(ready) == {"at", "level", "event"}
    assert (dropped["event"], dropped["field"]) == ("log_field_dropped", "patient_name")


def test_an_unknown_event_is_told_without_its_text() -> None:
    stream = io.StringIO()

    EventLog(stream, "info").info(cast("Event", "Received CANARY^JANE"))

    assert [line["event"] for line in lines_of(stream)] == ["log_event_dropped"]
    assert "CANARY" not in stream.getvalue()


@pytest.mark.parametrize("key", ["at", "level", "event", "self", "message", "exc_info"])
def test_a_field_cannot_take_the_place_of_what_every_line_begins_with(key: str) -> None:
    stream = io.StringIO()

    EventLog(stream, "info").info(Event.NODE_READY, **untyped({key: "x"}))

    assert [line["event"] for line in lines_of(stream)] == ["node_ready", "log_field_dropped"]


def test_a_strict_log_refuses_an_unknown_field() -> None:
    with pytest.raises(ValueError, match="field that is not on the list"):
        RecordingLog().info(Event.NODE_READY, **untyped({"colour": "red"}))


def test_a_strict_log_refuses_an_unknown_field_when_it_is_bound() -> None:
    with pytest.raises(ValueError, match="field that is not on the list"):
        RecordingLog().with_fields(**untyped({"colour": "red"}))


def test_a_strict_log_refuses_an_unknown_event() -> None:
    with pytest.raises(ValueError, match="event that is not in the catalogue"):
        RecordingLog().info(cast("Event", "something_else"))


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_patient_value_in_any_field_never_comes_out(level: LogLevel, canary: str) -> None:
    stream = io.StringIO()
    log = EventLog(stream, "debug")
    everywhere: dict[str, object] = dict.fromkeys(FIELDS, canary)
    everywhere |= {"reason": f"odd value '{canary}'", "PatientName": canary, canary: canary}

    getattr(log, level)(Event.INSTANCE_WITHHELD, **everywhere)
    getattr(log.with_fields(**untyped(everywhere)), level)(Event.INSTANCE_WITHHELD)
    getattr(log, level)(canary, **everywhere)

    assert stream.getvalue()
    assert not [part for part in ("anary", "CANARY", canary) if part in stream.getvalue()]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ValueError("closed")])
def test_a_stream_that_fails_costs_the_line_and_nothing_else(fault: Exception) -> None:
    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            raise fault

    EventLog(Broken(), "info").info(Event.NODE_READY)


def test_lines_of_many_threads_do_not_run_into_each_other() -> None:
    log = RecordingLog()

    def tell(worker: int) -> None:
        for count in range(200):
            log.info(Event.INSTANCE_CLEANED, worker=worker, count=count)

    threads = [threading.Thread(target=tell, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = {(line["worker"], line["count"]) for line in log.lines}
    assert told == {(worker, count) for worker in range(8) for count in range(200)}
