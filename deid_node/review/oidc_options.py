"""What the YAML can say of signing in by OpenID Connect. Light: no library is imported here."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def require_safe_url(url: str) -> str:
    """Return `url`; raise `ValueError` where what is said there could be heard by others."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError("is no address of the web") from None
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and is_loopback(host):
        return url
    raise ValueError("must begin with https://, or with http:// and name this machine")


def is_loopback(host: str) -> bool:
    """Return whether nobody on another machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SafeUrl = Annotated[str, AfterValidator(require_safe_url)]


class OidcOptions(BaseModel):
    """Signing in by the OpenID provider of the site: authorization code flow with PKCE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: SafeUrl = Field(
        description="The provider, exactly as its discovery document and its tokens name it."
    )
    client_id: str = Field(min_length=1, description="The desk's name at the provider.")
    client_secret_file: Path = Field(
        description="File with the secret of the client alone, mode 0600."
    )
    public_url: SafeUrl = Field(
        description=(
            "Where browsers reach the desk; register this with `/oidc/callback` at the provider."
        )
    )
    roles: Mapping[Literal["viewer", "reviewer", "admin"], tuple[str, ...]] = Field(
        min_length=1,
        description=(
            "Which values of `roles_claim` make whom; the highest counts, and without one nobody "
            "is let in."
        ),
    )
    roles_claim: str = Field(
        default="groups",
        min_length=1,
        description="Claim of the ID token with the roles; `.` leads into it: realm_access.roles.",
    )
    name_claim: str = Field(
        default="preferred_username",
        min_length=1,
        description="Claim of the ID token with the name that journal and audit trail keep.",
    )
    scopes: tuple[str, ...] = Field(
        default=("profile",), description="Scopes that are asked for beside openid."
    )
    credentials_in: Literal["basic", "post"] = Field(
        default="basic", description="Whether the secret goes in a header or in the form."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Authorities trusted for its certificate (PEM); null = the system's.",
    )
