"""What the YAML can say of an archive that takes instances by STOW-RS."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from deid_node.dicom.tls_options import WebTlsOptions

_OPTIONS = ConfigDict(frozen=True, extra="forbid")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_plain_outside(url: str) -> bool:
    """Return whether what goes to `url` can be read by others on its way."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK


def _with_a_port(url: str) -> str:
    try:
        found = urlsplit(url).port
    except ValueError:
        found = 0
    if found == 0:
        raise ValueError("the port is none")
    return url


Url: TypeAlias = Annotated[
    str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$"), AfterValidator(_with_a_port)
]


class StowTlsOptions(WebTlsOptions):
    """TLS to the archive: TLS 1.2 and 1.3 by BCP 195; its certificate is always verified."""


class TokenTlsOptions(WebTlsOptions):
    """TLS to the token server: TLS 1.2 and 1.3 by BCP 195; its certificate is always verified."""


class NoAuthorization(BaseModel):
    """Nothing is shown, beside a certificate where `tls` names one."""

    model_config = _OPTIONS
    kind: Literal["none"] = "none"


class BasicAuthorization(BaseModel):
    """A user and a password in each request (RFC 7617)."""

    model_config = _OPTIONS
    kind: Literal["basic"]
    user: str = Field(pattern=r"^[!-9;-~]+$", description="The user, in ASCII, without a colon.")
    password_file: Path = Field(description="File (mode 0600) with the password; read each time.")


class BearerAuthorization(BaseModel):
    """A token that somebody else renews (RFC 6750)."""

    model_config = _OPTIONS
    kind: Literal["bearer"]
    token_file: Path = Field(description="File (mode 0600) with the token; read each time.")


class OAuth2Authorization(BaseModel):
    """A token by client credentials (RFC 6749 section 4.4), kept until it expires."""

    model_config = _OPTIONS
    kind: Literal["oauth2"]
    token_url: Url = Field(description="Where tokens are given; plain http only on this machine.")
    client_id: str = Field(min_length=1, description="As whom we ask for one.")
    client_secret_file: Path = Field(
        description="File (mode 0600) with the secret of the client; read each time."
    )
    scope: str | None = Field(default=None, min_length=1, description="The scope asked for.")
    audience: str | None = Field(
        default=None, min_length=1, description="The audience, where the server asks for one."
    )
    credentials_in: Literal["header", "body"] = Field(
        default="header",
        description="Where client_id and secret go: as Basic (RFC 6749), or in the form.",
    )
    tls: TokenTlsOptions | None = Field(
        default=None, description="TLS to the token server; null = by the system's authorities."
    )
    timeout_seconds: float = Field(
        default=30, gt=0, description="How long the token server may be silent."
    )

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        if is_plain_outside(self.token_url):
            raise ValueError("token_url must be https where it leaves this machine")
        return self


Authorization: TypeAlias = Annotated[
    NoAuthorization | BasicAuthorization | BearerAuthorization | OAuth2Authorization,
    Field(discriminator="kind"),
]


class StowOptions(BaseModel):
    """An archive that takes instances by STOW-RS (DICOMweb); needs `deid-node[dicomweb]`."""

    model_config = _OPTIONS
    kind: Literal["stow"]
    url: Url = Field(description="Where the DICOMweb of the archive is; `/studies` is added to it.")
    auth: Authorization = Field(default=NoAuthorization(), description="What is shown as whose.")
    tls: StowTlsOptions | None = Field(
        default=None,
        description="TLS to an archive at https; null = by the system's authorities.",
    )
    max_connections: int = Field(
        default=2, ge=1, le=32, description="How many requests may run at the same time."
    )
    timeout_seconds: float = Field(
        default=30,
        gt=0,
        description="How long the archive may take no byte, or not let us connect.",
    )
    answer_seconds: float = Field(
        default=300, gt=0, description="How long it may take from the last byte to its answer."
    )
    batch_bytes: int = Field(
        default=64_000_000,
        ge=1,
        description="Instances of up to so many bytes go in one request; a larger one goes alone.",
    )
    batch_instances: int = Field(
        default=25, ge=1, le=25, description="At most so many instances go in one request."
    )
    max_instance_bytes: int | None = Field(
        default=None,
        ge=1,
        description=(
            "A larger instance is not sent and is withheld as too_large; null = there is no limit."
        ),
    )
    transfer_syntaxes: Literal["any", "explicit_vr", "uncompressed"] = Field(
        default="any",
        description=(
            "What the archive takes: any = as stored; explicit_vr = all but Implicit VR; "
            "uncompressed = Explicit VR Little Endian only. The rest is decoded without loss."
        ),
    )

    confirm: Literal["off", "qido", "wado"] = Field(
        default="off",
        description=(
            "What plays the part of storage commitment: qido or wado = delivered only when a "
            "search, or the metadata of the instance, finds it there; off = the answer is enough."
        ),
    )
    confirm_seconds: float = Field(
        default=600, gt=0, description="How long an instance may take to be found there."
    )
    confirm_sendings: int = Field(
        default=3,
        ge=1,
        description="How often an instance is sent that is not found, before it is withheld.",
    )

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        if self.url.startswith("http:") and self.tls is not None:
            raise ValueError("url must be https with tls")
        if self.auth.kind != "none" and is_plain_outside(self.url):
            raise ValueError("url must be https where a secret leaves this machine")
        return self
