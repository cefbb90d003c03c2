"""The twelve options of PS3.15 Annex E, and what the YAML says under ``metadata``.

An option is named in the configuration of a treatment. One that is not in
`OFFERED` is refused at start, because an option that is configured and not
carried out would be a false promise.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

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

OFFERED = frozenset(Option)
"""What this version carries out."""

DATE_OPTIONS = frozenset(
    {Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES}
)
"""Of these a treatment may name one (PS3.15 E.3.6)."""

NARROWEST_SHIFT_DAYS: Final = 30
"""A range that is narrower would nearly tell the date."""

# Long enough for a site's word, short enough that prefix and pseudonym fit an LO of 64.
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]*$", max_length=40)]


SafeVR = Literal[
    "AT", "CS", "DS", "FD", "FL", "IS", "LO", "LT", "SH", "SL", "SQ", "SS", "ST", "SV",
    "UC", "UI", "UL", "US", "UT", "UV",
]  # fmt: skip
"""What a private attribute of the site may be: what can be looked at."""


class DateOptions(BaseModel):
    """By how many days the dates of a patient may move, and what becomes of the birth date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_shift_days: int = Field(
        default=-1826,
        ge=-36525,
        le=36525,
        description="The least of the range; negative is back in time. 0 is never taken.",
    )
    most_shift_days: int = Field(
        default=-1, ge=-36525, le=36525, description="The most of the range."
    )
    birth_date: Literal["empty", "shift"] = Field(
        default="empty",
        description=(
            "Whether the birth date is emptied or moved with the other dates. It is emptied "
            "where it would tell an age above 89."
        ),
    )

    @model_validator(mode="after")
    def _is_wide(self) -> Self:
        if self.most_shift_days - self.least_shift_days < NARROWEST_SHIFT_DAYS:
            raise ValueError(f"the range of days must span {NARROWEST_SHIFT_DAYS} days or more")
        return self

    @property
    def span(self) -> range:
        """The days from the least to the most, both included."""
        return range(self.least_shift_days, self.most_shift_days + 1)


class AdditionOptions(BaseModel):
    """One row of the site's own: an attribute and what happens to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str = Field(
        pattern=r"^([A-Za-z0-9]{1,64}|[0-9A-Fa-f]{4},[0-9A-Fa-f]{4})$",
        description="Keyword, or tag as gggg,eeee; an attribute of the standard.",
    )
    action: Literal["X", "Z", "D", "U", "K"] = Field(
        description="remove, empty, dummy, new UID, keep (letters of PS3.15 E.2)"
    )
    reason: str = Field(
        min_length=1, max_length=200, description="Shown by `explain` beside the row."
    )


class SafePrivateOptions(BaseModel):
    """One private attribute that the site knows to be safe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    creator: Annotated[
        str, StringConstraints(pattern=r"^[!-~]([ -\[\]-~]*[!-~])?$", max_length=64)
    ] = Field(description="The private creator, spelled as in the files.")
    attribute: str = Field(
        pattern=r"^[0-9A-Fa-f]{3}[13579BbDdFf],xx[0-9A-Fa-f]{2}$",
        description="Group (odd) and the two digits inside the creator's block, as `0019,xxBB`.",
    )
    vr: SafeVR = Field(
        description=(
            "Its VR. A value of another VR, or not written as this one has it, is removed. Dates, "
            "names and bytes cannot be named: nobody can tell what they say."
        )
    )
    reason: str = Field(
        min_length=1, max_length=200, description="Shown by `explain` beside the row."
    )

    @model_validator(mode="after")
    def _is_no_group_of_the_network(self) -> Self:
        if self.group in {0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF}:
            raise ValueError("the group is none that private attributes may have")
        return self

    @property
    def group(self) -> int:
        """The group, as a number."""
        return int(self.attribute[:4], 16)

    @property
    def element(self) -> int:
        """The place inside the block, as a number."""
        return int(self.attribute[-2:], 16)


class CrosswalkOptions(BaseModel):
    """Whether old and new identifiers are written down, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=False,
        description=(
            "Write down the old and new Patient ID and UIDs of each cleaned instance, for "
            "`deid-node crosswalk export`. Whoever has the file can name every patient."
        ),
    )
    file: Path = Field(
        default=Path("./crosswalk.sqlite"),
        description="Where they are kept (mode 0600); made when the first instance is cleaned.",
    )


class OriginalsOptions(BaseModel):
    """Whether the originals are locked into each instance, and for whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path | None = Field(
        default=None,
        description=(
            "Certificate (PEM, RSA). Where one is named, the originals of all changed attributes "
            "are encrypted for it into the instance, and `deid-node reidentify` brings them back "
            "with its private key. Its issuer's name stands in each instance in the clear."
        ),
    )


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
            "CSV with the columns original_patient_id,subject_id, mode 0600. Patients get these "
            "ids instead of computed ones; a patient who is not listed is withheld."
        ),
    )
    patient_id_prefix: Prefix = Field(
        default="",
        description="Put before every computed Patient ID (letters, digits, dot, dash, underscore)",
    )
    issuer_of_patient_id: Literal["separates", "ignored"] = Field(
        default="separates",
        description=(
            "Whether the same Patient ID from two issuers (0010,0021) is two patients. Where no "
            "issuer is sent both settings give the same pseudonyms."
        ),
    )
    dates: DateOptions = Field(
        default=DateOptions(),
        description="How dates move under retain_longitudinal_modified_dates.",
    )
    additions: tuple[AdditionOptions, ...] = Field(
        default=(),
        description=(
            "Rows of the site's own, after Table E.1-1 and the options. One that lets more "
            "through than they do is listed by `check` and `explain`."
        ),
    )
    safe_private: tuple[SafePrivateOptions, ...] = Field(
        default=(),
        description=(
            "Private attributes of the site's own that stay under `retain_safe_private`, beside "
            "those of PS3.15 Table E.3.10-1. Their values are looked at like those."
        ),
    )
    crosswalk: CrosswalkOptions = Field(
        default=CrosswalkOptions(),
        description="The list of old and new identifiers; off unless enabled.",
    )
    originals: OriginalsOptions = Field(
        default=OriginalsOptions(),
        description="Reversible de-identification; off unless a certificate is named.",
    )
    options: tuple[Option, ...] = Field(
        default=(),
        description="Options of PS3.15 Annex E for treatments that name none",
    )


class ProjectOptions(BaseModel):
    """What a treatment has of its own in place of `metadata`: one project beside another.

    What is not named is that of `metadata`. Under a key of its own no pseudonym and no UID
    of one project can be linked to those of another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pseudonym_key_file: Path | None = Field(
        default=None, description="In place of `metadata.pseudonym_key_file`."
    )
    patient_id_prefix: Prefix | None = Field(
        default=None, description="In place of `metadata.patient_id_prefix`."
    )
    subject_table_file: Path | None = Field(
        default=None, description="In place of `metadata.subject_table_file`."
    )
    dates: DateOptions | None = Field(default=None, description="In place of `metadata.dates`.")
    crosswalk: CrosswalkOptions | None = Field(
        default=None, description="In place of `metadata.crosswalk`."
    )

    def over(self, options: MetadataOptions) -> MetadataOptions:
        """Return `options` with what the project has of its own."""
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return options.model_copy(
            update={name: value for name, value in own.items() if value is not None}
        )

    def path_of(self, setting: str, *, treatment: str) -> str:
        """Return the YAML path where `setting`, a field of both, has its value from."""
        own = getattr(self, setting) is not None
        return f"treatments.{treatment}.project.{setting}" if own else f"metadata.{setting}"


def require_offered(options: Iterable[Option], *, path: str) -> frozenset[Option]:
    """Return the options as a set if this version carries out every one, and all together.

    Parameters
    ----------
    options
        What the configuration names.
    path
        YAML path of that list, for the error.

    Raises
    ------
    ConfigurationError
        One of them is not offered by this version, or two of them exclude each other.

    Source
    ------
    PS3.15 E.3.6: dates stay as they are, or they are modified.
    """
    chosen = frozenset(options)
    for option in sorted(chosen - OFFERED):
        raise ConfigurationError(path, f"this version does not offer the option {option}")
    if chosen >= DATE_OPTIONS:
        raise ConfigurationError(path, f"{' and '.join(sorted(DATE_OPTIONS))} exclude each other")
    return chosen
