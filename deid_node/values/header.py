"""All that routing may read of an instance."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Header:
    """Values of the few top-level attributes that the rules name.

    An attribute that is absent has no entry; one that is present without a
    value has an empty tuple. `unreadable` names the keywords whose value cannot
    be decoded: a rule that asks for one of them cannot be decided.
    """

    attributes: tuple[tuple[str, tuple[str, ...]], ...] = field(repr=False)
    unreadable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        keywords = [keyword for keyword, _ in self.attributes]
        if len(set(keywords)) != len(keywords):
            raise ValueError("a keyword stands twice in a header")

    def values(self, keyword: str) -> tuple[str, ...] | None:
        """Return the values of `keyword`, or None where the attribute is absent."""
        for name, values in self.attributes:
            if name == keyword:
                return values
        return None

    @property
    def keywords(self) -> Iterable[str]:
        """The keywords that are present."""
        return (keyword for keyword, _ in self.attributes)
