"""The plan applied to a sequence that is still bytes, where its items are plain.

It asks the plan what the slow way would ask, and gives up (`NotPlain`) wherever
an item must be seen as a whole.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from deid_node.metadata.clean.concepts import CONCEPT_NAME
from deid_node.metadata.encoding.elements import Charset, Stored, encoded, vr_of
from deid_node.metadata.encoding.packed import Fate, NotPlain, Rewriting
from deid_node.metadata.plan.action import Action, Ruling
from deid_node.metadata.plan.additions import BY_ADDITION

# A dummy code depends on what else stands in the item, so D is not looked into here.
LOOKED_INTO = frozenset({Action.KEEP, Action.REPLACE_UID})
"""Actions on a sequence under which its items may be rewritten as bytes."""

_NEED_ITEMS = frozenset({Action.CLEAN_ITEMS, Action.PATIENT_NAME, Action.PATIENT_ID})
# Another character set, pixels, a concept for the value: the item is judged as a whole.
_NEED_THEIR_LEVEL = frozenset({0x00080005, CONCEPT_NAME, 0x7FE00008, 0x7FE00009, 0x7FE00010})


class Fits(Protocol):
    """Tells whether the bytes of a kept value may stay as they lie there."""

    def __call__(self, tag: int, vr: str, stored: bytes, *, little: bool) -> bool:
        """Return False where they need a look."""
        ...


class Repacker:
    """Rewrites sequences for one pass over one dataset.

    Parameters
    ----------
    ruling
        What the plan says of a tag with a VR.
    element
        Does to one element what the plan says, and counts it.
    count
        Counts a letter of PS3.15.
    fits
        Tells of a kept value whether its bytes may stay as they are.
    private_stays
        Some private elements may stay: items that have any are not plain.
    """

    def __init__(
        self,
        ruling: Callable[[int, str], Ruling],
        element: Callable[[Stored, Dataset], Stored | None],
        count: Callable[[str], None],
        fits: Fits,
        *,
        private_stays: bool,
    ) -> None:
        self._ruling = ruling
        self._element = element
        self._count = count
        self._fits = fits
        self._private_stays = private_stays
        self._fates: dict[tuple[int, bytes], tuple[Fate, str]] = {}
        self._vrs: dict[tuple[int, bytes], str] = {}
        self._is_dummy: set[tuple[int, bytes]] = set()
        self._dummies: dict[tuple[int, bytes, int], bytes] = {}

    def repacked(self, element: RawDataElement, charset: Charset, depth: int) -> RawDataElement:
        """Return `element`, a sequence that stays, with its items rewritten.

        Parameters
        ----------
        element
            The sequence as it lies in the file.
        charset
            The character set in force there.
        depth
            How many levels deeper sequences may be nested.

        Raises
        ------
        NotPlain
            The items must be taken apart; what was counted meanwhile is void.
        UnknownElement, UnknownSubject
            As for the walk.
        """
        if element.VR == "UN" or not element.value:
            raise NotPlain
        level = Dataset()
        level.set_original_encoding(element.is_implicit_VR, element.is_little_endian, charset)
        rewriting = Rewriting(
            fate_of=self._fate,
            replaced=partial(self._replaced, element, level),
            implicit=element.is_implicit_VR,
            little=element.is_little_endian,
            fits=partial(self._stays, element.is_little_endian),
        )
        new = rewriting.items(element.value, depth)
        return element._replace(value=new, length=len(new))

    def _fate(self, tag: int, vr: bytes) -> Fate:
        known = self._fates.get((tag, vr))
        if known is None:
            known = self._fates[tag, vr] = self._judged(tag, vr)
        fate, letter = known
        if letter:
            self._count(letter)
        return fate

    def _judged(self, tag: int, sent: bytes) -> tuple[Fate, str]:
        if tag in _NEED_THEIR_LEVEL or (self._private_stays and tag >> 16 & 1):
            raise NotPlain
        vr = vr_of(RawDataElement(BaseTag(tag), sent.decode() or None, 0, b"", 0, not sent, True))
        ruling = self._ruling(tag, vr)
        action = ruling.action
        if action is Action.REMOVE:
            return Fate.GOES, action.letter
        if sent == b"UN" or action in _NEED_ITEMS:
            raise NotPlain
        if vr == "SQ":
            if action in LOOKED_INTO:
                return Fate.IS_LOOKED_INTO, action.letter
            raise NotPlain
        if action is Action.KEEP:
            if ruling.by == BY_ADDITION:
                return Fate.STAYS, action.letter
            self._vrs[tag, sent] = vr
            return Fate.STAYS_IF_FIT, ""
        if action is Action.DUMMY and vr != "UI":
            self._is_dummy.add((tag, sent))
        # `element` counts what it does.
        return Fate.IS_REPLACED, ""

    def _stays(self, little: bool, tag: int, sent: bytes, value: bytes) -> bool:
        stays = self._fits(tag, self._vrs[tag, sent], value, little=little)
        if stays:
            self._count(Action.KEEP.letter)
        return stays

    def _replaced(
        self, outer: RawDataElement, level: Dataset, tag: int, vr: bytes, value: bytes
    ) -> bytes | None:
        # All dummies of an attribute are alike, but for how many values there were.
        plain = value.isascii() and b"\x1b" not in value and value.strip(b"\0 ")
        if (tag, vr) not in self._is_dummy or not plain:
            return self._anew(outer, level, tag, vr, value)
        like = (tag, vr, value.count(b"\\"))
        known = self._dummies.get(like)
        if known is not None:
            self._count(Action.DUMMY.letter)
            return known
        new = self._anew(outer, level, tag, vr, value)
        if new is not None:
            self._dummies[like] = new
        return new

    def _anew(
        self, outer: RawDataElement, level: Dataset, tag: int, vr: bytes, value: bytes
    ) -> bytes | None:
        sent = outer._replace(
            tag=BaseTag(tag), VR=vr.decode() or None, length=len(value), value=value
        )
        new = self._element(sent, level)
        if isinstance(new, DataElement):
            return encoded(new, little=outer.is_little_endian, charset=level.original_character_set)
        return None if new is None else new.value
