"""What the pixels of a region are made anew by."""

from enum import StrEnum


class Fill(StrEnum):
    """What new pixels can be made by."""

    SOLID = "solid"
    GRADIENT = "gradient"
    SMOOTH = "smooth"
    HARMONIC = "harmonic"
    TELEA = "telea"
    NEIGHBOURS = "neighbours"
    DIFFUSION = "diffusion"
