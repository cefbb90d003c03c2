"""What the YAML can say of the audit trail."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deid_node.dicom.tls_options import ClientTlsOptions

_OPTIONS = ConfigDict(frozen=True, extra="forbid")


class NoAuditOptions(BaseModel):
    """No audit trail: the log and the metrics are all there is."""

    model_config = _OPTIONS
    kind: Literal["none"] = "none"


class TrailOptions(BaseModel):
    """What both kinds of trail have in common."""

    model_config = _OPTIONS
    source_id: str | None = Field(
        default=None,
        min_length=1,
        description="Audit Source ID of every message; null = our AE title and the host's name.",
    )
    site_id: str | None = Field(
        default=None, min_length=1, description="Audit Enterprise Site ID; null = none is given."
    )
    patient: Literal["none", "original"] = Field(
        default="none",
        description=(
            "Whether messages of receipt name Patient ID and Study Instance UID as they were "
            "sent: only where the repository stands in the clinical zone. With none, studies go "
            "by their new UID and no patient is named."
        ),
    )
    most_waiting: int = Field(
        default=100_000,
        ge=100,
        description=(
            "Messages that are kept in the spool while the repository is away; what comes on top "
            "is dropped and counted. Decisions of people are never dropped."
        ),
    )


class FileAuditOptions(TrailOptions):
    """A file: a JSON object a line, mode 0600."""

    kind: Literal["file"]
    file: Path = Field(description="The file; lines are added to it. Reopened for each batch.")


class AuditTlsOptions(ClientTlsOptions):
    """TLS to the audit repository, BCP 195; its certificate is always verified."""


class SyslogAuditOptions(TrailOptions):
    """The site's audit record repository: DICOM Audit Messages as RFC 5424 syslog."""

    kind: Literal["syslog"]
    transport: Literal["tls", "tcp", "udp"] = Field(
        default="tls",
        description="tls (RFC 5425), tcp (RFC 6587, octet counting) or udp (RFC 5426).",
    )
    host: str = Field(min_length=1, description="Name or IP address of the repository.")
    port: int = Field(ge=1, le=65535, description="Its port; 6514 is registered for TLS.")
    timeout_seconds: float = Field(
        default=10, gt=0, description="How long connecting or sending may take."
    )
    tls: AuditTlsOptions | None = Field(
        default=None, description="The files of TLS; must be given with tls, and only there."
    )

    @model_validator(mode="after")
    def _tls_goes_with_its_transport(self) -> Self:
        if (self.transport == "tls") != (self.tls is not None):
            raise ValueError("tls must be given where transport is tls, and nowhere else")
        return self


AuditOptions: TypeAlias = Annotated[
    NoAuditOptions | FileAuditOptions | SyslogAuditOptions, Field(discriminator="kind")
]
