"""Whose screen an instance shows: what a rule of fixed regions asks for."""

from dataclasses import dataclass
from typing import Final

LONGEST_NAME: Final = 64
"""Characters of a maker's or a model's name: what LO may have (PS3.5 section 6.2)."""


@dataclass(frozen=True, slots=True, order=True)
class Device:
    """Maker, model and modality as the header says them, and the size of the frames.

    Empty, or 0, where the header does not say.
    """

    maker: str
    model: str
    modality: str
    rows: int
    columns: int

    @property
    def is_known(self) -> bool:
        """Whether a rule can be made of it that fits no other device."""
        return bool(self.maker and self.model and self.rows and self.columns)
