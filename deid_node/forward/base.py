"""The promise of every door out."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deid_node.values.delivery import Receipt
from deid_node.values.instance import CleanInstance, Sealed


class Crowded(Exception):
    """A destination serves no more of us at once; those whom it serves go on."""


@dataclass(frozen=True, slots=True)
class AssociationCounts:
    """The associations with a destination; `allowed` is how many it is known to serve at once."""

    in_use: int = 0
    idle: int = 0
    allowed: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A sealed instance and the Part 10 file that holds its bytes, checked against its checksum.

    `companion` is the file of its companion, checked likewise; None where it has none.
    """

    instance: CleanInstance
    path: Path
    companion: Path | None = None

    def __post_init__(self) -> None:
        if (self.companion is None) is not (self.instance.companion is None):
            raise ValueError("the companion or its file is missing")

    @property
    def contents(self) -> tuple[tuple[Sealed, Path], ...]:
        """What is sent, in this order, and the file of each."""
        paths = (self.path,) if self.companion is None else (self.companion, self.path)
        return tuple(zip(self.instance.contents, paths, strict=True))


class Destination(Protocol):
    """Takes clean instances out of the house.

    Promise, tested for every backend by ``tests/contract/test_destination.py``:

    * one receipt comes for each parcel, in order, each as soon as it is known;
    * DELIVERED or WARNING is said only of what the other side has confirmed, of an
      instance with a companion once it has both;
    * the companion goes first: where it is not taken, its instance is not sent;
    * what is delivered again (same parcel) does no harm and is DELIVERED again;
    * `DestinationUnavailable` means that the parcels without a receipt were not
      sent: nothing but waiting helps them;
    * a parcel that can never be taken is REFUSED, and the next one goes on;
    * closing the iterator early leaves the rest unsent and the destination usable; only what
      went in one request with the last receipt (it says so) is sent, and not known;
    * up to `concurrency` threads may deliver at the same time; `Crowded` means that it
      has become fewer: the parcels without a receipt were not sent, and those of the
      other threads go on;
    * after `close` nothing of it is left open, and threads that are delivering
      come back soon.

    It does not wait or try again by itself: the sender does.
    """

    @property
    def name(self) -> str:
        """The configured name: a label of metrics."""
        ...

    @property
    def concurrency(self) -> int:
        """How many threads may deliver at the same time; never more than at first."""
        ...

    @property
    def associations(self) -> AssociationCounts:
        """How many associations there are now; zeros where there are none."""
        ...

    def deliver(self, batch: Sequence[Parcel]) -> Generator[Receipt, None, None]:
        """Send `batch` and yield a receipt for each.

        Raises `DestinationUnavailable` or `Crowded`.
        """
        ...

    def release_idle(self) -> None:
        """Give back what has lain unused for a while (open associations)."""
        ...

    def close(self) -> None:
        """Let go of everything; may be called by any thread."""
        ...
