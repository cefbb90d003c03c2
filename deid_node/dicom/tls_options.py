"""What the YAML can say of TLS, where the node calls and where it is called."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WebTlsOptions(BaseModel):
    """TLS to a server of the web: TLS 1.2 and 1.3 by BCP 195; it is always verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca_file: Path | None = Field(
        default=None,
        description="Authorities whose server certificates are trusted (PEM); null = the system's.",
    )
    certificate_file: Path | None = Field(
        default=None, description="Our certificate, then its chain (PEM); null = we show none."
    )
    key_file: Path | None = Field(
        default=None,
        description="The private key of the certificate (PEM), without a passphrase, mode 0600.",
    )
    check_host_name: bool = Field(
        default=True, description="Whether the certificate must name the `host` that is called."
    )
    profile: Literal["bcp195"] = Field(
        default="bcp195", description="The TLS profile: BCP 195 (RFC 8996, RFC 9325), PS3.15 B.12."
    )


class ClientTlsOptions(WebTlsOptions):
    """DICOM TLS to a peer: TLS 1.2 and 1.3 by BCP 195; its certificate is always verified."""

    ca_file: Path = Field(description="Authorities whose server certificates are trusted (PEM).")


class ServerTlsOptions(BaseModel):
    """DICOM TLS at the door: TLS 1.2 and 1.3 by BCP 195."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path = Field(description="Our certificate, then its chain (PEM).")
    key_file: Path = Field(
        description="The private key of the certificate (PEM), without a passphrase, mode 0600."
    )
    ca_file: Path | None = Field(
        default=None,
        description=(
            "Authorities whose client certificates are trusted (PEM); "
            "must be given where one is required."
        ),
    )
    require_client_certificate: bool = Field(
        default=True,
        description="Whether a peer must show a certificate; one that is shown is always verified.",
    )
    profile: Literal["bcp195"] = Field(
        default="bcp195", description="The TLS profile: BCP 195 (RFC 8996, RFC 9325), PS3.15 B.12."
    )
