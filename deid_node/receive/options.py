"""What the YAML can say of the door."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from deid_node.dicom.ae_titles import AeTitle
from deid_node.dicom.tls_options import ClientTlsOptions, ServerTlsOptions
from deid_node.receive.stow_options import STOW_NAME, StowOptions, network

_PORT: Final = 11112
_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"


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
        pattern=_NAME,
        description="What logs and metrics call it.",
    )
    ae_title: AeTitle = Field(description="Its calling AE title.")
    address: Annotated[str, AfterValidator(network)] | None = Field(
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


Peers = Literal["any"] | tuple[PeerOptions, ...]


class ListenerOptions(BaseModel):
    """One of several ports; what it leaves null is as under `receive`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=_NAME, description="What logs, metrics and rules (`listener`) call it."
    )
    port: int = Field(ge=0, le=65535, description="Port; 0 = any free one.")
    tls: ServerTlsOptions | None = Field(
        default=None, description="DICOM TLS on this port; null = plain."
    )
    host: str | None = Field(default=None, description="Address to listen on.")
    ae_title: AeTitle | None = Field(
        default=None, description="The called AE title that senders must use here."
    )
    peers: Peers | None = Field(default=None, description="Who may send here.")
    user_identity: UserIdentityOptions | None = Field(
        default=None, description="Who may send here, by user name and passcode."
    )
    max_associations: int | None = Field(
        default=None, ge=1, description="Associations at once on this port."
    )
    max_associations_per_address: int | None = Field(
        default=None, ge=1, description="Of these, at most so many of one address."
    )


class ReceiveOptions(BaseModel):
    """The ports that scanners and the clinical PACS send to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ae_title: AeTitle = Field(
        default="DEIDNODE", description="The called AE title that senders must use."
    )
    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: int = Field(default=_PORT, ge=0, le=65535, description="Port; 0 = any free one.")
    peers: Peers = Field(
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
    stow: StowOptions | None = Field(
        default=None,
        description="A port that takes instances by STOW-RS (DICOMweb), beside it; null = none.",
    )

    listeners: tuple[ListenerOptions, ...] = Field(
        default=(),
        description=(
            "Several ports in place of `port` and `tls`, each with its own TLS, and with AE title, "
            "peers and limits of its own where it names them."
        ),
    )

    @property
    def quota(self) -> int:
        """How many associations one address may have at once."""
        share = max(1, self.max_associations * 3 // 4)
        return min(self.max_associations_per_address or share, self.max_associations)

    @property
    def listening(self) -> "Sequence[Listening]":
        """Every port that is to listen, and under which terms."""
        if not self.listeners:
            return (Listening("", "receive", self),)
        return tuple(
            Listening(one.name, f"receive.listeners[{number}]", self._under(one))
            for number, one in enumerate(self.listeners)
        )

    @property
    def listener_names(self) -> tuple[str, ...]:
        """The names of the ports that have one: the several of associations, that of STOW-RS."""
        names = tuple(one.name for one in self.listeners)
        return names if self.stow is None else (*names, STOW_NAME)

    def each_peer(self) -> Iterator[tuple[str, PeerOptions]]:
        """Yield every peer that is listed, here or at a listener, with its YAML path."""
        lists = [("receive", self.peers)]
        lists += [
            (f"receive.listeners[{number}]", one.peers)
            for number, one in enumerate(self.listeners)
            if one.peers is not None
        ]
        for path, peers in lists:
            for number, peer in enumerate(() if peers == "any" else peers):
                yield f"{path}.peers[{number}]", peer

    def _under(self, listener: ListenerOptions) -> "ReceiveOptions":
        own = {
            name: value
            for name, value in listener
            if value is not None and name in type(self).model_fields
        }
        return self.model_copy(update={**own, "tls": listener.tls, "listeners": ()})

    @model_validator(mode="after")
    def _one_way_to_say_a_port(self) -> Self:
        if not self.listeners:
            return self
        if self.port != _PORT or self.tls is not None:
            raise ValueError("with listeners, each of them says its port and its tls")
        if len(set(self.listener_names)) < len(self.listener_names):
            raise ValueError("two listeners have the same name")
        places = [(one.options.host, one.options.port) for one in self.listening]
        if any(places.count(place) > 1 for place in places if place[1]):
            raise ValueError("two listeners have the same port")
        return self

    @model_validator(mode="after")
    def _peers_fit(self) -> Self:
        peers = [peer for _, peer in self.each_peer()]
        names = {peer.name for peer in peers}
        if len(names) < len(peers):
            raise ValueError("two peers have the same name")
        if any(not names.issuperset(peer.asks_for) for peer in peers):
            raise ValueError("a peer asks for one that is not listed")
        secured = {
            peer.name
            for one in self.listening
            if one.options.tls is not None and one.options.tls.ca_file is not None
            for peer in (() if one.options.peers == "any" else one.options.peers)
        }
        if any(peer.certificate_name and peer.name not in secured for peer in peers):
            raise ValueError("a peer's certificate_name needs tls with a ca_file where it sends")
        return self


@dataclass(frozen=True, slots=True)
class Listening:
    """One port: `name` is empty where it is the only one; `setting` is its YAML path.

    `options` are those of this port alone.
    """

    name: str
    setting: str
    options: ReceiveOptions

    @property
    def part(self) -> str:
        """What health and certificates call it."""
        return f"receive_{self.name}" if self.name else "receive"
