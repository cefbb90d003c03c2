"""The log: one line, JSON by default, for one event of the catalogue, with fields of the list.

The log is an object that is handed to every room. The logging module of the
standard library is not used: its root logger is shared with libraries that quote
patient values in their warnings.
"""

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, Self, TextIO, TypeAlias, Unpack, assert_never

import structlog
from structlog.typing import EventDict, Processor

from deid_node.observe.events import Event
from deid_node.observe.fields import FIELDS, LogFields
from deid_node.observe.redact import safe_value

LogForm: TypeAlias = Literal["json", "text"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

_CATALOGUE: Final = frozenset(Event)


def _now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class EventLog:
    """Writes events at or above `level` to `stream`, a line each; any thread may call it.

    In the form ``json`` a line is one object; in the form ``text`` it says the same for the
    eyes of a person.

    A field that is not on the list is a fault of ours. It is left out and told by
    an event of its own, because a log line is never worth an instance; with
    `strict` (in tests) it raises `ValueError` instead. For the same reason a
    stream that cannot be written to is passed over in silence.
    """

    def __init__(
        self,
        stream: TextIO,
        level: LogLevel,
        *,
        form: LogForm = "json",
        strict: bool = False,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        def stamped(_logger: object, method: str, entry: EventDict) -> EventDict:
            at = clock().astimezone(UTC).isoformat(timespec="milliseconds")
            return {"at": at.replace("+00:00", "Z"), "level": method, **_event_first(entry)}

        self._strict = strict
        # Every argument is given: what is left out would be read from a global.
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[stamped, _renderer(form)],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            context_class=dict,
            cache_logger_on_first_use=False,
        ).bind()

    def with_fields(self, **fields: Unpack[LogFields]) -> Self:
        """Return a log of the same stream whose lines all carry `fields` (association, ...)."""
        self._complain_of_unknown(fields)
        bound = copy.copy(self)
        bound._logger = self._logger.bind(**_safe(fields))  # noqa: SLF001 - a copy of ourselves
        return bound

    def debug(self, event: Event, /, **fields: Unpack[LogFields]) -> None:
        """Tell what only matters when looking for a fault."""
        self._tell("debug", event, fields)

    def info(self, event: Event, /, **fields: Unpack[LogFields]) -> None:
        """Tell what happened in order."""
        self._tell("info", event, fields)

    def warning(self, event: Event, /, **fields: Unpack[LogFields]) -> None:
        """Tell what a person should look at in time."""
        self._tell("warning", event, fields)

    def error(self, event: Event, /, **fields: Unpack[LogFields]) -> None:
        """Tell what a person must look at."""
        self._tell("error", event, fields)

    def _tell(self, level: LogLevel, event: str, fields: LogFields) -> None:
        if event in _CATALOGUE:
            self._write(level, event, _safe(fields))
        else:
            self._complain(Event.LOG_EVENT_DROPPED, {})
        self._complain_of_unknown(fields)

    def _complain_of_unknown(self, fields: LogFields) -> None:
        for key in fields:
            if key not in FIELDS:
                self._complain(Event.LOG_FIELD_DROPPED, {"field": key})

    def _complain(self, event: Event, fields: LogFields) -> None:
        if self._strict:
            raise ValueError(event.meaning)
        self._write("error", event, _safe(fields))

    def _write(self, level: LogLevel, event: str, safe: Mapping[str, object]) -> None:
        try:
            getattr(self._logger, level)(str(event), **safe)
        except (OSError, ValueError):
            # A closed pipe or a full disk behind stdout must not cost an instance.
            return


def _renderer(form: LogForm) -> Processor:
    match form:
        case "json":
            return structlog.processors.JSONRenderer(separators=(",", ":"))
        case "text":
            return structlog.dev.ConsoleRenderer(colors=False, sort_keys=False, timestamp_key="at")
        case _:
            assert_never(form)


def _safe(fields: LogFields) -> dict[str, object]:
    """Return the fields of the list, in the order given, with values in the shape of their kind."""
    return {
        key: safe_value(FIELDS[key].kind, value)
        for key, value in fields.items()
        if key in FIELDS and value is not None
    }


def _event_first(entry: EventDict) -> EventDict:
    """Return `entry` with the event before its fields, as a person reads it."""
    return {"event": entry["event"], **entry}
