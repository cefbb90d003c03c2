"""What the YAML can say of the door."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from deid_node.dicom.ae_titles import AeTitle
from deid_node.dicom.tls_options import ClientTlsOptions, ServerTlsOptions

TLS_PATH: Final = "receive.tls"
"""Where faults of the door's TLS are told."""


def _address(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("an address or a network in CIDR notation is expected") from None
    return value


class ReportTlsOptions(ClientTlsOptions):
    """DICOM TLS to a peer that is called back; its certificate is always verified."""


class ReportToOptions(BaseModel):
    """Where a peer waits for the answer to a storage commitment, on an association of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="Name or IP address of the peer.")
    port: int = Field(ge=1, le=65535, description="TCP port of the peer.")
    tls: ReportTlsOptions | None = Field(default=None, description="DICOM TLS; null = plain.")


class PeerOptions(BaseModel):
    """A sender that may store here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="What logs and metrics call it.",
    )
    ae_title: AeTitle = Field(description="Its calling AE title.")
    address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="Its address or network (CIDR); null = any."
    )
    certificate_name: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "What its client certificate must name: a DNS name or an address of the subject's "
            "alternative names, or the common name where there are none; null = any certificate."
        ),
    )
    asks_for: tuple[str, ...] = Field(
        default=(),
        description=(
            "Peers whose instances it may ask a storage commitment for, beside its own: "
            "an archive that asks for its scanners."
        ),
    )
    report_to: ReportToOptions | None = Field(
        default=None,
        description=(
            "Where it is called back with the answer to a storage commitment; "
            "null = it is told on an association of its own."
        ),
    )


class UserIdentityOptions(BaseModel):
    """User identity negotiation: senders show a user name, with or without a passcode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    users_file: Path = Field(
        description="The users, one `name:hash` a line, mode 0600; `deid-node user` makes lines."
    )
    required: bool = Field(
        default=True,
        description="Whether a sender must show a user; one that is shown is always checked.",
    )


class ReceiveOptions(BaseModel):
    """The port that scanners and the clinical PACS send to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ae_title: AeTitle = Field(
        default="DEIDNODE", description="The called AE title that senders must use."
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: int = Field(default=11112, ge=0, le=65535, description="Port; 0 = any free one.")
    peers: Literal["any"] | tuple[PeerOptions, ...] = Field(
        default="any", description="Who may send: any, or a list of {name, ae_title, address}."
    )
    max_associations: int = Field(
        default=32, ge=1, description="Associations at once; more are refused for the moment."
    )
    max_associations_per_address: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Of these, at most so many of one address; more are refused for the moment. "
            "null = three quarters, so that nobody takes every place."
        ),
    )
    max_pdu_bytes: int = Field(
        default=131072,
        ge=0,
        description="Largest PDU that senders are told we take; 0 = unlimited.",
    )
    association_seconds: float = Field(
        default=60, gt=0, description="Silence after which an association is aborted."
    )
    tls: ServerTlsOptions | None = Field(
        default=None, description="DICOM TLS on this port; null = plain."
    )

    user_identity: UserIdentityOptions | None = Field(
        default=None, description="Who may send, by user name and passcode; null = not asked."
    )
    log_ae_titles: bool = Field(
        default=False,
        description=(
            "Whether the log names the AE titles of callers that are turned away, beside their "
            "address: whoever sets up a scanner sees what it says."
        ),
    )
    max_refusals_per_minute: int = Field(
        default=60,
        ge=0,
        description=(
            "After so many refusals within a minute that were its own fault, "
            "an address is not listened to for the rest of it; 0 = no limit."
        ),
    )

    @field_validator("peers")
    @classmethod
    def _names_are_unique(
        cls, peers: Literal["any"] | tuple[PeerOptions, ...]
    ) -> Literal["any"] | tuple[PeerOptions, ...]:
        if peers != "any" and len({peer.name for peer in peers}) < len(peers):
            raise ValueError("two peers have the same name")
        return peers

    @property
    def quota(self) -> int:
        """How many associations one address may have at once."""
        share = max(1, self.max_associations * 3 // 4)
        return min(self.max_associations_per_address or share, self.max_associations)

    @model_validator(mode="after")
    def _peers_fit(self) -> Self:
        if self.peers == "any":
            return self
        bound = any(peer.certificate_name for peer in self.peers)
        if bound and (self.tls is None or self.tls.ca_file is None):
            raise ValueError("a peer's certificate_name needs receive.tls with a ca_file")
        names = {peer.name for peer in self.peers}
        if any(not names.issuperset(peer.asks_for) for peer in self.peers):
            raise ValueError("a peer asks for one that is not listed")
        return self
