"""What the YAML can say of a line to machines that work for the node."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from deid_node.dicom.tls_options import ClientTlsOptions, ServerTlsOptions


class LineTlsOptions(BaseModel):
    """TLS 1.3 on which both sides show a certificate of the same authorities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path = Field(description="Our certificate, then its chain (PEM).")
    key_file: Path = Field(
        description="The private key of the certificate (PEM), without a passphrase, mode 0600."
    )
    ca_file: Path = Field(
        description=(
            "Authorities whose certificates are trusted (PEM). Who holds one of them may ask the "
            "models and be asked: make an authority for the cluster alone."
        )
    )
    server_name: str | None = Field(
        default=None,
        description=(
            "The name that the certificates of all its machines bear; null = the host that is "
            "called, be it a name or an address."
        ),
    )

    def calling(self) -> ClientTlsOptions:
        """Return them for the side that calls."""
        return ClientTlsOptions(
            certificate_file=self.certificate_file, key_file=self.key_file, ca_file=self.ca_file
        )

    def called(self) -> ServerTlsOptions:
        """Return them for the side that is called."""
        return ServerTlsOptions(
            certificate_file=self.certificate_file,
            key_file=self.key_file,
            ca_file=self.ca_file,
            require_client_certificate=True,
        )
