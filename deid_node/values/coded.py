"""Codes that know what they mean."""

from enum import StrEnum
from typing import Self


class CodedMeaning(StrEnum):
    """A closed set of codes; `meaning` says each in words, for logs and handbooks."""

    meaning: str

    def __new__(cls, name: str, meaning: str = "") -> Self:
        """Make the member: a plain string that also knows its meaning."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member
