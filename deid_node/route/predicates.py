"""What a rule may ask of an instance: one frozen class each, data instead of code.

An attribute with several values fulfils a predicate when *any* of its values
does. An absent or empty attribute fulfils none but `Not`. An attribute that
cannot be decoded makes its predicate undecidable; `AllOf` and `AnyOf` still
answer where the others settle it alone (Kleene's logic), so the order inside
them never matters.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import ClassVar, Protocol

from deid_node.errors import RuleUndecidable
from deid_node.route.attributes import OfDataset, Subject
from deid_node.values.header import Header
from deid_node.values.origin import Origin


class Predicate(Protocol):
    """A question with the answer yes or no.

    Promise: the answer depends on the arguments alone, nothing is written to,
    and only the attributes named by `keywords` are asked for.
    """

    @property
    def keywords(self) -> frozenset[str]:
        """The DICOM keywords that must be read to answer."""
        ...

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return the answer; raise `RuleUndecidable` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Always:
    """Holds for every instance."""

    @property
    def keywords(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def holds(self, header: Header, origin: Origin) -> bool:  # noqa: ARG002 - one shape for all
        """Return True."""
        return True


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the values is among `wanted`, letter by letter (`equals` has one wanted value)."""

    subject: Subject
    wanted: frozenset[str]

    @property
    def keywords(self) -> frozenset[str]:
        """Those of the subject."""
        return self.subject.keywords

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return whether any value is wanted."""
        values = self.subject.values(header, origin) or ()
        return any(value in self.wanted for value in values)


@dataclass(frozen=True, slots=True)
class WithinNetworks:
    """The sender's address lies in one of `networks`."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @property
    def keywords(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def holds(self, header: Header, origin: Origin) -> bool:  # noqa: ARG002 - one shape for all
        """Return whether the address is in; an IPv4 address in IPv6 clothes counts as IPv4."""
        address: IPv4Address | IPv6Address
        try:
            address = ip_address(origin.address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Matches:
    """One of the values matches the pattern from end to end."""

    # A sender chooses the value: beyond this length even a harmless pattern costs too much.
    longest_characters: ClassVar[int] = 256

    subject: Subject
    pattern: re.Pattern[str]

    @property
    def keywords(self) -> frozenset[str]:
        """Those of the subject."""
        return self.subject.keywords

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return whether any value matches; undecidable where one is too long to try."""
        values = self.subject.values(header, origin) or ()
        short = [value for value in values if len(value) <= self.longest_characters]
        if any(self.pattern.fullmatch(value) for value in short):
            return True
        if len(short) < len(values):
            raise RuleUndecidable(
                self.subject.keyword
                if isinstance(self.subject, OfDataset)
                else self.subject.field.value
            )
        return False


@dataclass(frozen=True, slots=True)
class Present:
    """There is at least one value that is not empty."""

    subject: Subject

    @property
    def keywords(self) -> frozenset[str]:
        """Those of the subject."""
        return self.subject.keywords

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return whether a value is there."""
        return any(self.subject.values(header, origin) or ())


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Predicate, ...]

    @property
    def keywords(self) -> frozenset[str]:
        """Those of all parts."""
        return frozenset().union(*(part.keywords for part in self.parts))

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return False as soon as one part is false, whatever the others are."""
        return not _any(tuple(Not(part) for part in self.parts), header, origin)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Predicate, ...]

    @property
    def keywords(self) -> frozenset[str]:
        """Those of all parts."""
        return frozenset().union(*(part.keywords for part in self.parts))

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return True as soon as one part is true, whatever the others are."""
        return _any(self.parts, header, origin)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold; what is undecidable stays so."""

    part: Predicate

    @property
    def keywords(self) -> frozenset[str]:
        """Those of the part."""
        return self.part.keywords

    def holds(self, header: Header, origin: Origin) -> bool:
        """Return the opposite answer."""
        return not self.part.holds(header, origin)


def _any(parts: tuple[Predicate, ...], header: Header, origin: Origin) -> bool:
    undecided: RuleUndecidable | None = None
    for part in parts:
        try:
            if part.holds(header, origin):
                return True
        except RuleUndecidable as error:
            undecided = undecided or error
    if undecided is not None:
        raise undecided
    return False
