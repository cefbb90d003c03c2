"""What every door of the node promises, whatever is spoken at it."""

from typing import Protocol


class Door(Protocol):
    """Takes instances in from senders, and nothing that custody has not.

    * `start` returns when the port listens, or raises `ConfigurationError`;
    * after `stop_accepting` nobody new is served, and those who are served go on;
    * after `stop` nothing of it is left open.
    """

    @property
    def name(self) -> str:
        """What is spoken there: a short word for health."""
        ...

    @property
    def port(self) -> int:
        """The port that listens; the configured one before the start."""
        ...

    def start(self) -> None:
        """Listen; raise `ConfigurationError` where the address cannot be had."""
        ...

    def trouble(self) -> str | None:
        """Return a code while new senders are refused, else None."""
        ...

    def stop_accepting(self) -> None:
        """Turn away whoever comes now; may be called again, and before `start`."""
        ...

    def stop(self, *, finish_seconds: float) -> None:
        """Accept no more, let who is served finish for so long, then break off; also without it."""
        ...
