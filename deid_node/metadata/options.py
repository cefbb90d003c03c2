"""The twelve options of PS3.15 Annex E, and what the YAML says under ``metadata``.

An option is named in the configuration of a treatment. This version carries out
`CLEAN_PIXEL_DATA`; any other is refused at start, because an option that is
configured and not carried out would be a false promise.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from deid_node.errors import ConfigurationError


class Option(StrEnum):
    """An option of the Basic Application Level Confidentiality Profile.

    Source: PS3.15 E.3; codes of PS3.16 CID 7050.
    """

    CLEAN_PIXEL_DATA = "clean_pixel_data"
    CLEAN_RECOGNIZABLE_VISUAL_FEATURES = "clean_recognizable_visual_features"
    CLEAN_GRAPHICS = "clean_graphics"
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content"
    CLEAN_DESCRIPTORS = "clean_descriptors"
    RETAIN_LONGITUDINAL_FULL_DATES = "retain_longitudinal_full_dates"
    RETAIN_LONGITUDINAL_MODIFIED_DATES = "retain_longitudinal_modified_dates"
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics"
    RETAIN_DEVICE_IDENTITY = "retain_device_identity"
    RETAIN_UIDS = "retain_uids"
    RETAIN_SAFE_PRIVATE = "retain_safe_private"
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity"

    @property
    def code(self) -> str:
        """Code value of the option in coding scheme DCM (113101 to 113112)."""
        return str(113101 + list(Option).index(self))

    @property
    def meaning(self) -> str:
        """Code meaning of the option in PS3.16 CID 7050."""
        return _MEANINGS[self]


_MEANINGS: Final = MappingProxyType(
    {
        Option.CLEAN_PIXEL_DATA: "Clean Pixel Data Option",
        Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES: "Clean Recognizable Visual Features Option",
        Option.CLEAN_GRAPHICS: "Clean Graphics Option",
        Option.CLEAN_STRUCTURED_CONTENT: "Clean Structured Content Option",
        Option.CLEAN_DESCRIPTORS: "Clean Descriptors Option",
        Option.RETAIN_LONGITUDINAL_FULL_DATES: (
            "Retain Longitudinal Temporal Information Full Dates Option"
        ),
        Option.RETAIN_LONGITUDINAL_MODIFIED_DATES: (
            "Retain Longitudinal Temporal Information Modified Dates Option"
        ),
        Option.RETAIN_PATIENT_CHARACTERISTICS: "Retain Patient Characteristics Option",
        Option.RETAIN_DEVICE_IDENTITY: "Retain Device Identity Option",
        Option.RETAIN_UIDS: "Retain UIDs Option",
        Option.RETAIN_SAFE_PRIVATE: "Retain Safe Private Option",
        Option.RETAIN_INSTITUTION_IDENTITY: "Retain Institution Identity Option",
    }
)

OFFERED = frozenset({Option.CLEAN_PIXEL_DATA})
"""What this version carries out."""

# Long enough for a site's word, short enough that prefix and pseudonym fit an LO of 64.
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]*$", max_length=40)]


class MetadataOptions(BaseModel):
    """How the header is de-identified, and what pseudonyms are made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pseudonym_key_file: Path | None = Field(
        default=Path("./pseudonym.key"),
        description=(
            "File with the secret (32 bytes or more, mode 0600) that all pseudonyms and UIDs "
            "are made with. Nodes that share it give the same patient the same pseudonym."
        ),
    )
    subject_table_file: Path | None = Field(
        default=None,
        description=(
            "CSV with the columns original_patient_id,subject_id. Patients get these ids instead "
            "of computed ones; a patient who is not listed is withheld."
        ),
    )
    patient_id_prefix: Prefix = Field(
        default="",
        description="Put before every computed Patient ID (letters, digits, dot, dash, underscore)",
    )
    options: tuple[Option, ...] = Field(
        default=(),
        description="Options of PS3.15 Annex E for treatments that name none",
    )


def require_offered(options: Iterable[Option], *, path: str) -> frozenset[Option]:
    """Return the options as a set if this version carries out every one of them.

    Parameters
    ----------
    options
        What the configuration names.
    path
        YAML path of that list, for the error.

    Raises
    ------
    ConfigurationError
        One of them is not offered by this version.
    """
    chosen = frozenset(options)
    for option in sorted(chosen - OFFERED):
        raise ConfigurationError(path, f"this version does not offer the option {option}")
    return chosen
