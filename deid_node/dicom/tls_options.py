"""What the YAML can say of TLS where the node is the one who calls."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ClientTlsOptions(BaseModel):
    """DICOM TLS to a peer: TLS 1.2 and 1.3 by BCP 195; its certificate is always verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca_file: Path = Field(description="Authorities whose server certificates are trusted (PEM).")
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
