"""What the YAML can say of the review desk. Light: no web library is imported here."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deid_node.review.oidc_options import OidcOptions, is_loopback

Seconds = Annotated[float, Field(gt=0)]


class ReviewTlsOptions(BaseModel):
    """HTTPS at the desk: TLS 1.2 and 1.3 by BCP 195."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path = Field(description="Our certificate, then its chain (PEM).")
    key_file: Path = Field(
        description="The private key of the certificate (PEM), without a passphrase, mode 0600."
    )


class ReviewOptions(BaseModel):
    """The pages on which people look at withheld instances and decide; needs deid-node[review]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; one that others can reach needs `tls`.",
    )
    port: int = Field(default=8443, ge=0, le=65535, description="Port; 0 = any free one.")
    users_file: Path | None = Field(
        default=None,
        description=(
            "Who may sign in, one `name:role:hash` a line, mode 0600; "
            "`deid-node user NAME --role reviewer` makes lines. null = nobody but by `oidc`."
        ),
    )
    oidc: OidcOptions | None = Field(
        default=None, description="Signing in by OpenID Connect; null = none."
    )
    tls: ReviewTlsOptions | None = Field(
        default=None, description="HTTPS; null = plain HTTP, on this machine only."
    )
    idle_seconds: Seconds = Field(
        default=1800, description="Silence after which a person must sign in again."
    )
    session_seconds: Seconds = Field(
        default=43_200, description="After so long a person must sign in again in any case."
    )
    undo_seconds: Annotated[float, Field(ge=0)] = Field(
        default=30, description="How long a decision waits before it is carried out."
    )
    series_sample: Annotated[int, Field(ge=1)] = Field(
        default=3,
        description=(
            "How many instances of a series with the same layout a person must have looked at "
            "before one decision may let pixels out in the rest of it."
        ),
    )
    second_reader: Literal["none", "let_through", "everything"] = Field(
        default="none",
        description=(
            "Which decisions another person must agree to before they count: none, those that may "
            "let an instance out (fill, no text, try again), or discarding as well."
        ),
    )
    sample_per_thousand: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description=(
            "How many of a thousand delivered instances with pixels come to the desk for a look; "
            "their bytes, as they came and as they left, are held for it. 0 = none."
        ),
    )
    sample_keep_seconds: Seconds = Field(
        default=604_800, description="How long after delivery a sample is held for its look."
    )
    sample_most: Annotated[int, Field(ge=1)] = Field(
        default=200, description="How many samples wait at most; beyond them none is drawn."
    )
    picture_seconds: Seconds = Field(
        default=120, description="How long a picture may take to be made."
    )
    memory_limit_bytes: Annotated[int, Field(ge=256_000_000)] = Field(
        default=4_000_000_000,
        description="Memory that each process which makes pictures may take for its data.",
    )

    @model_validator(mode="after")
    def _can_be_entered(self) -> Self:
        if self.users_file is None and self.oidc is None:
            raise ValueError("give users_file or oidc: else nobody could sign in")
        if self.tls is None and not is_loopback(self.host):
            raise ValueError("without tls the desk listens on this machine only, as 127.0.0.1")
        return self
