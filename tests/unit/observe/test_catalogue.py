"""The catalogue of events and the list of fields."""

import re

import pytest

from deid_node.observe.events import Event
from deid_node.observe.fields import FIELDS, LogFields

STATES = frozenset({"aside", "lost", "low", "ready", "sent", "unreachable"})


@pytest.mark.parametrize("event", Event)
def test_every_event_has_a_plain_name_and_a_meaning_in_one_sentence(event: Event) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", event)
    assert event.meaning.endswith(".")
    assert 20 <= len(event.meaning) <= 100


def test_an_event_is_found_again_by_its_name() -> None:
    assert Event("node_ready") is Event.NODE_READY


@pytest.mark.parametrize("event", Event)
def test_events_speak_of_the_past_or_of_a_state(event: Event) -> None:
    """``instance_cleaned``, ``spool_low``, ``node_starting``: never a command."""
    last = event.rsplit("_", 1)[1]
    assert last.endswith(("ed", "ing", "held")) or last in STATES


def test_the_fields_are_those_that_the_type_checker_knows() -> None:
    assert set(FIELDS) == set(LogFields.__annotations__)


@pytest.mark.parametrize("key", FIELDS)
def test_every_field_has_a_meaning_and_never_the_name_of_a_patient_attribute(key: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", key)
    assert FIELDS[key].meaning
    assert not re.search(r"patient|name|birth|uid|path|file|value|text|address|title", key)


@pytest.mark.parametrize("key", ["at", "level", "event"])
def test_no_field_hides_what_every_line_begins_with(key: str) -> None:
    assert key not in FIELDS
