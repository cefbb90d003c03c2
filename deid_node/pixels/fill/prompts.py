"""The few words that tell a diffusion model what kind of image it looks at.

Nothing of the header goes into a prompt but the code of the modality, and that
through this table: what a person typed never reaches a model.

Source: PS3.3 C.7.3.1.1.1 (defined terms of Modality).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NEUTRAL: Final = ""
"""The prompt that says nothing: of a modality that is not in the table, or not told."""

PROMPTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BMD": "x-ray image",
        "CR": "x-ray image",
        "CT": "ct image",
        "DX": "x-ray image",
        "ES": "endoscopy image",
        "GM": "microscopy image",
        "IVUS": "ultrasound image",
        "IO": "x-ray image",
        "MG": "mammography image",
        "MR": "mr image",
        "NM": "nuclear medicine image",
        "OP": "fundus image",
        "OPT": "optical coherence image",
        "PT": "pet image",
        "PX": "x-ray image",
        "RF": "fluoroscopy image",
        "RG": "x-ray image",
        "SM": "microscopy image",
        "US": "ultrasound image",
        "XA": "angiography image",
        "XC": "photograph",
    }
)
"""Prompts by the code of Modality (0008,0060)."""


def prompt_of(modality: str) -> str:
    """Return the prompt of a modality, `NEUTRAL` where it is not in `PROMPTS`."""
    return PROMPTS.get(modality.strip().upper(), NEUTRAL)
