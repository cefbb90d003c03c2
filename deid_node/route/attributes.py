"""What a predicate may ask for: a DICOM attribute, or what the door saw of the sender."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, assert_never

from deid_node.errors import RuleUndecidable
from deid_node.values.header import Header
from deid_node.values.origin import Origin


class OriginField(StrEnum):
    """The attributes that are no DICOM keywords, as the YAML names them."""

    CALLING_AE = "calling_ae"
    CALLED_AE = "called_ae"
    ADDRESS = "address"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class OfOrigin:
    """One field of the origin; it always has exactly one value."""

    field: OriginField

    @property
    def keywords(self) -> frozenset[str]:
        """The DICOM keywords that must be read for it: none."""
        return frozenset()

    def values(self, header: Header, origin: Origin) -> tuple[str, ...] | None:  # noqa: ARG002 - one shape for both
        """Return the value, AE titles without their padding."""
        match self.field:
            case OriginField.CALLING_AE:
                return (origin.calling_ae.strip(" \0"),)
            case OriginField.CALLED_AE:
                return (origin.called_ae.strip(" \0"),)
            case OriginField.ADDRESS:
                return (origin.address,)
            case OriginField.PEER:
                return (origin.peer,)
            case _:
                assert_never(self.field)


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
