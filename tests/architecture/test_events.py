"""The catalogue of events and the rooms that write them."""

import ast

from deid_node.observe.events import Event
from tests.architecture.source import modules


def _used() -> set[str]:
    """Return the members of `Event` that some room names."""
    return {
        node.attr
        for module in modules()
        if module.name != "observe/events.py"
        for node in module.nodes()
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Event"
    }


def test_every_event_of_the_catalogue_is_written_somewhere() -> None:
    assert not {event.name for event in Event} - _used()
