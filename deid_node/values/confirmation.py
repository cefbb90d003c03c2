"""Our question to an archive whether it keeps what we sent, and its answer.

The UIDs are those of clean instances: nobody's identifiers, and still for no log.
"""

from dataclasses import dataclass, field

from deid_node.values.commitment import Reference
from deid_node.values.identity import InstanceId


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One storage commitment that an archive is asked for; `attempts` counts failures to ask."""

    id: int
    transaction_uid: str = field(repr=False)
    destination: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Placed:
    """What is asked for, and where an archive has it."""

    reference: Reference = field(repr=False)
    study_instance_uid: str = field(repr=False)
    series_instance_uid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfirmationReport:
    """What an archive said to one transaction of ours."""

    transaction_uid: str = field(repr=False)
    confirmed: tuple[Reference, ...] = field(repr=False)
    failed: tuple[Reference, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of the instances of one inquiry.

    `confirmed`: delivered for good. `again`: they are sent once more. `withheld`:
    they were sent often enough; a person looks.
    """

    destination: str
    confirmed: tuple[InstanceId, ...] = ()
    again: tuple[InstanceId, ...] = ()
    withheld: tuple[InstanceId, ...] = ()

    @property
    def failed(self) -> int:
        """How many instances the archive does not keep, or said nothing of."""
        return len(self.again) + len(self.withheld)
