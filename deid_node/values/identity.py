"""The name by which logs and metrics speak of an instance.

It is drawn at random at the door and says nothing about the patient. The
original UIDs are identifiers: they stay in the journal.
"""

import secrets
from typing import NewType

InstanceId = NewType("InstanceId", str)
"""Sixteen lower-case hexadecimal digits."""


def new_instance_id() -> InstanceId:
    """Return a fresh random id (64 bits: no clash below hundreds of millions)."""
    return InstanceId(secrets.token_hex(8))
