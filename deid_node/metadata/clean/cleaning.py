"""What an option brings that must judge values: the promises, not the judgement.

The plan says where something is cleaned (`Action.CLEAN_TEXT`, `CLEAN_ITEMS`, the
private elements); what stands behind a promise here says how. An option that is
chosen without anybody behind its promise falls back to the basic profile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

Planned = Callable[[Dataset], Dataset]
"""Returns a new item: the whole plan, these cleaners included, applied to an item."""

Renewed = Callable[[str], str]
"""Returns the UID that stands for a UID of the original, and remembers the two."""


class TextCleaner(Protocol):
    """Cleans the text of one instance (Clean Descriptors).

    Promise:

    * what comes back holds no identifier of the instance;
    * the same text gives the same result;
    * nothing is raised for what a sender may send.
    """

    def clean(self, text: str, *, keyword: str) -> str | None:
        """Return one value of the attribute `keyword`, cleaned; None where nothing is left.

        Where no value of an attribute is left, the action of the basic profile is done.
        """
        ...


class ItemsCleaner(Protocol):
    """Cleans the items of a sequence (Clean Structured Content, Graphics, Descriptors).

    Promise: the items are not written to; what comes back is valid in their place.
    """

    def clean(
        self, tag: int, items: Sequence[Dataset], planned: Planned
    ) -> Sequence[Dataset] | None:
        """Return the new items of the sequence `tag`, or None: as in the basic profile.

        Parameters
        ----------
        tag
            The sequence. Sequences inside it that are cleaned as well come by
            themselves, through `planned`.
        items
            The items as sent.
        planned
            Applies the plan to one item; what comes back may be written to.
        """
        ...


class PrivateKeeper(Protocol):
    """Chooses the private elements that stay (Retain Safe Private).

    Promise: the level is not written to; blocks are reserved for what comes back
    and for nothing else.
    """

    def kept(self, level: Dataset, planned: Planned, renewed: Renewed) -> Sequence[DataElement]:
        """Return the elements that are added to the result of this level (any depth).

        At every level all private elements are removed; these come in their place,
        reservations included. `planned` is for items of private sequences, `renewed`
        for UIDs.
        """
        ...


@dataclass(frozen=True, slots=True)
class Cleaners:
    """The judges of one instance; None where no option asks for one."""

    text: TextCleaner | None = None
    items: ItemsCleaner | None = None
    private: PrivateKeeper | None = None


class Cleaning(Protocol):
    """Makes the judges of an instance; one object serves any number of instances."""

    def of(self, original: Dataset) -> Cleaners:
        """Return what cleans `original`, a whole instance that is not written to.

        Called once an instance, before the plan is applied to it: the place to
        collect the names, ids and dates that are hunted in its text.
        """
        ...


class NoCleaning:
    """Nothing is cleaned: the basic profile holds everywhere."""

    def of(self, original: Dataset) -> Cleaners:
        """Return no judge."""
        del original
        return Cleaners()
