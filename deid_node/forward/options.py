"""What the YAML can say of destinations."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from deid_node.dicom.ae_titles import AeTitle
from deid_node.dicom.tls_options import ClientTlsOptions
from deid_node.forward.stow.options import StowOptions

_OPTIONS = ConfigDict(frozen=True, extra="forbid")


DestinationName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]


class TlsOptions(ClientTlsOptions):
    """DICOM TLS to an archive: TLS 1.2 and 1.3 by BCP 195; its certificate is always verified."""


class CStoreOptions(BaseModel):
    """An archive that takes instances by C-STORE."""

    model_config = _OPTIONS
    kind: Literal["cstore"]
    ae_title: AeTitle = Field(description="AE title of the archive.")
    host: str = Field(min_length=1, description="Name or IP address of the archive.")
    port: int = Field(ge=1, le=65535, description="TCP port of the archive.")
    calling_ae_title: AeTitle = Field(
        default="DEIDNODE", description="The AE title that we give as our own."
    )
    max_associations: int = Field(
        default=2, ge=1, le=32, description="How many associations may be open at the same time."
    )
    timeout_seconds: float = Field(
        default=30,
        gt=0,
        description="How long the archive may be silent before the association is given up.",
    )
    tls: TlsOptions | None = Field(
        default=None, description="DICOM TLS to the archive; null = plain."
    )
    commitment: Literal["required", "wanted", "off"] = Field(
        default="off",
        description=(
            "Storage commitment by the archive: required = delivered only when it has committed; "
            "wanted = asked for where it is offered; off = its answer to C-STORE is enough."
        ),
    )
    commitment_seconds: float = Field(
        default=3600, gt=0, description="How long the archive may take to say what it commits to."
    )
    commitment_sendings: int = Field(
        default=3,
        ge=1,
        description=(
            "How often an instance is sent that the archive does not commit to, "
            "before it is withheld."
        ),
    )


class FolderOptions(BaseModel):
    """A folder: one file an instance, ``<Study UID>/<Series UID>/<SOP UID>.dcm``, new UIDs."""

    model_config = _OPTIONS
    kind: Literal["folder"]
    dir: Path = Field(description="The folder; created where it does not exist.")


DestinationOptions: TypeAlias = Annotated[
    CStoreOptions | StowOptions | FolderOptions, Field(discriminator="kind")
]


class RetryOptions(BaseModel):
    """When a delivery is tried again: first, first x factor, ... up to cap; for ever."""

    model_config = _OPTIONS
    first_seconds: float = Field(default=1, gt=0, description="The wait after the first failure.")
    factor: float = Field(default=2, ge=1, description="By how much each next wait is longer.")
    cap_seconds: float = Field(default=300, gt=0, description="No wait is longer than this.")


def _frozen(
    value: Mapping[DestinationName, DestinationOptions],
) -> Mapping[DestinationName, DestinationOptions]:
    return MappingProxyType(dict(value))


Destinations: TypeAlias = Annotated[
    Mapping[DestinationName, DestinationOptions],
    AfterValidator(_frozen),
    PlainSerializer(dict),
]


class ForwardOptions(BaseModel):
    """Where clean instances go, by name."""

    model_config = _OPTIONS
    destinations: Destinations = Field(
        default_factory=lambda: MappingProxyType({}),
        description="Destinations by name; the names are what rules and metrics speak of.",
    )
    retry: RetryOptions = Field(default=RetryOptions())
