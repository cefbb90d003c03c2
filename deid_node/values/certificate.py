"""How long the certificates in one of the node's files are good."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """A file of certificates: whose it is, which of the settings, and when its first expires."""

    part: str
    setting: str
    expires_at: datetime
