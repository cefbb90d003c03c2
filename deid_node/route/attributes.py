"""What a predicate may ask for: a DICOM attribute, or what the door saw of the sender."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, assert_never

from deid_node.errors import RuleUndecidable
from deid_node.values.header import Header
from deid_node.values.origin import Dimse, Http, Origin, Via


class OriginField(StrEnum):
    """The attributes that are no DICOM keywords, as the YAML names them."""

    CALLING_AE = "calling_ae"
    CALLED_AE = "called_ae"
    ADDRESS = "address"
    PEER = "peer"
    LISTENER = "listener"


@dataclass(frozen=True, slots=True)
class OfOrigin:
    """One field of the origin; AE titles are absent where nothing came by an association."""

    field: OriginField

    @property
    def keywords(self) -> frozenset[str]:
        """The DICOM keywords that must be read for it: none."""
        return frozenset()

    def values(self, header: Header, origin: Origin) -> tuple[str, ...] | None:  # noqa: ARG002 - one shape for both
        """Return the value, AE titles without their padding; None where there is none."""
        match self.field:
            case OriginField.CALLING_AE:
                return _title(origin.via, lambda via: via.calling_ae)
            case OriginField.CALLED_AE:
                return _title(origin.via, lambda via: via.called_ae)
            case OriginField.ADDRESS:
                return (origin.address,)
            case OriginField.PEER:
                return (origin.peer,)
            case OriginField.LISTENER:
                return (origin.listener,) if origin.listener else None
            case _:
                assert_never(self.field)


def _title(via: Via, of: Callable[[Dimse], str]) -> tuple[str] | None:
    match via:
        case Dimse():
            return (of(via).strip(" \0"),)
        case Http():
            return None
        case _:
            assert_never(via)


@dataclass(frozen=True, slots=True)
class OfDataset:
    """One top-level attribute of the dataset."""

    keyword: str

    @property
    def keywords(self) -> frozenset[str]:
        """The DICOM keywords that must be read for it."""
        return frozenset({self.keyword})

    def values(self, header: Header, origin: Origin) -> tuple[str, ...] | None:  # noqa: ARG002 - one shape for both
        """Return the values, or None where the attribute is absent.

        Raises
        ------
        RuleUndecidable
            The attribute is there but cannot be decoded.
        """
        if self.keyword in header.unreadable:
            raise RuleUndecidable(self.keyword)
        return header.values(self.keyword)


Subject: TypeAlias = OfOrigin | OfDataset
