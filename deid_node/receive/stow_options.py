"""What the YAML can say of the door of STOW-RS. Light: no web library is imported here."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from deid_node.dicom.tls_options import ServerTlsOptions

STOW_TLS_PATH: Final = "receive.stow.tls"
"""Where faults of this door's TLS are told."""

STOW_NAME: Final = "stow"
"""What logs, metrics and rules (`listener`) call the port."""

STOW_PART: Final = "receive_stow"
"""What health and certificates call it."""


def network(value: str) -> str:
    """Return `value` where it is an address or a network in CIDR notation."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("an address or a network in CIDR notation is expected") from None
    return value


class StowPeerOptions(BaseModel):
    """A sender that may store by STOW-RS; it must show all that is named here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="What rules, logs and metrics call it; may be that of one in `receive.peers`.",
    )
    address: Annotated[str, AfterValidator(network)] | None = Field(
        default=None, description="Its address or network (CIDR); null = any."
    )
    certificate_name: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "What its client certificate must name: a DNS name or an address of the subject's "
            "alternative names, or the common name where there are none; null = not asked."
        ),
    )
    token_file: Path | None = Field(
        default=None,
        description=(
            "Its bearer token, mode 0600; several, one a line, while one takes the place of "
            "another. Read anew when it changes; null = not asked."
        ),
    )

    @model_validator(mode="after")
    def _is_known_by_something(self) -> Self:
        if self.address is None and self.certificate_name is None and self.token_file is None:
            raise ValueError("a peer needs an address, a certificate_name or a token_file")
        return self


class StowOptions(BaseModel):
    """A port that takes instances by STOW-RS, beside that of C-STORE; needs deid-node[dicomweb]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="0.0.0.0", min_length=1, description="Address to listen on.")  # noqa: S104
    port: int = Field(default=8080, ge=0, le=65535, description="Port; 0 = any free one.")
    path: str = Field(
        default="/dicom-web",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="What stands before `/studies` in the address of the service.",
    )
    peers: Literal["any"] | tuple[StowPeerOptions, ...] = Field(
        default="any",
        description="Who may send: any, or {name, address, certificate_name, token_file}.",
    )
    tls: ServerTlsOptions | None = Field(
        default=None, description="HTTPS on this port; null = plain HTTP."
    )
    max_requests: int = Field(
        default=32, ge=1, description="Requests at once; more are told to come again (503)."
    )
    max_requests_per_address: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Of these, at most so many of one address. "
            "null = three quarters, so that nobody takes every place."
        ),
    )
    max_request_bytes: int = Field(
        default=17_179_869_184,
        ge=1024,
        description="Largest body of a request; more is refused (413).",
    )
    silence_seconds: float = Field(
        default=60, gt=0, description="Silence after which a connection is closed."
    )
    max_refusals_per_minute: int = Field(
        default=60,
        ge=0,
        description=(
            "After so many refusals within a minute that were its own fault, "
            "an address is not listened to for the rest of it; 0 = no limit."
        ),
    )

    @property
    def quota(self) -> int:
        """How many requests of one address are served at once."""
        share = max(1, self.max_requests * 3 // 4)
        return min(self.max_requests_per_address or share, self.max_requests)

    @model_validator(mode="after")
    def _peers_fit(self) -> Self:
        if self.peers == "any":
            return self
        if len({peer.name for peer in self.peers}) < len(self.peers):
            raise ValueError("two peers have the same name")
        if any(peer.certificate_name for peer in self.peers) and (
            self.tls is None or self.tls.ca_file is None
        ):
            raise ValueError("a peer's certificate_name needs receive.stow.tls with a ca_file")
        if any(peer.token_file for peer in self.peers) and not (
            self.tls is not None or _is_loopback(self.host)
        ):
            raise ValueError("tokens need receive.stow.tls, or a host that only this machine has")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
