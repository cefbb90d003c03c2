"""What the YAML can say of notifications."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_OPTIONS = ConfigDict(frozen=True, extra="forbid")

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254)]


class WebhookOptions(BaseModel):
    """A POST of a JSON object with `text` and the same in fields: chat rooms take it as it is."""

    model_config = _OPTIONS
    kind: Literal["webhook"]
    url: str = Field(
        pattern=r"^https?://[^\s/@?#]+(/\S*)?$",
        description="Where it is posted to. Plain http only to this machine; never redirected.",
    )
    bearer_file: Path | None = Field(
        default=None, description="File (mode 0600) with the token of an Authorization header."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Authorities whose server certificates are trusted (PEM); null = the system's.",
    )

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        host = self.url.split("/")[2].rpartition(":")[0] or self.url.split("/")[2]
        if self.url.startswith("http://") and host not in {"127.0.0.1", "localhost", "[::1]"}:
            raise ValueError("must be https where it leaves this machine")
        return self


class EmailOptions(BaseModel):
    """A mail by SMTP."""

    model_config = _OPTIONS
    kind: Literal["email"]
    host: str = Field(min_length=1, description="The mail server.")
    port: int = Field(
        default=587, ge=1, le=65535, description="Its port: 587 with starttls, 465 with tls."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="none only for a relay on the site's own network that takes nothing else.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Authorities whose server certificates are trusted (PEM); null = the system's.",
    )
    user: str | None = Field(default=None, min_length=1, description="null = no login.")
    password_file: Path | None = Field(
        default=None, description="File (mode 0600) with the password of `user`."
    )
    sender: Address = Field(description="The address it comes from.")
    recipients: tuple[Address, ...] = Field(min_length=1, description="The addresses it goes to.")

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        if self.user is not None and self.security == "none":
            raise ValueError("a password does not travel in the clear: say starttls or tls")
        return self


ChannelOptions: TypeAlias = Annotated[WebhookOptions | EmailOptions, Field(discriminator="kind")]


class NotifyOptions(BaseModel):
    """Who is told when a person is needed; the text has names, codes and counts, no patient."""

    model_config = _OPTIONS
    channels: tuple[ChannelOptions, ...] = Field(
        default=(), description="Where it goes; none by default."
    )
    after_seconds: float = Field(
        default=300,
        ge=0,
        description="How long a part must be in trouble before anybody is told.",
    )
    withheld_every_seconds: float = Field(
        default=3600,
        ge=60,
        description="Instances that were withheld are told together, at most so often.",
    )
