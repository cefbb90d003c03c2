"""A log that remembers its lines and is as strict as the type checker."""

import io
import json
from typing import Any

from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog


class RecordingLog(EventLog):
    """An `EventLog` at level debug; an unknown event or field raises `ValueError`."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        super().__init__(self._stream, "debug", strict=True)

    @property
    def text(self) -> str:
        """All that was written."""
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines written so far, oldest first."""
        return [json.loads(line) for line in self.text.splitlines()]

    def events(self) -> list[Event]:
        """The events written so far, oldest first."""
        return [Event(line["event"]) for line in self.lines]

    def lines_of(self, event: Event) -> list[dict[str, Any]]:
        """The lines of one event, oldest first."""
        return [line for line in self.lines if line["event"] == event]
