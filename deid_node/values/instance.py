"""The parcel in its states of custody.

A `ReceivedInstance` exists only after the journal has committed it. A
`CleanInstance`, with its `Companion` if it has one, is made by ``pipeline.seal``
and rebuilt by the journal from a CLEAN row, nowhere else; an architecture test
holds that. Delivery accepts no other type.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from deid_node.values.identity import InstanceId
from deid_node.values.origin import Origin
from deid_node.values.report import CleaningReport


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob of the spool: its file name inside its folder, length and SHA-256 (hex)."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ReceivedInstance:
    """An instance in custody, as sent; the UIDs are the original ones."""

    id: InstanceId
    origin: Origin
    blob: BlobRef
    sop_class_uid: str
    sop_instance_uid: str = field(repr=False)
    study_instance_uid: str = field(default="", repr=False)
    series_instance_uid: str = field(default="", repr=False)
    accession_mark: str = field(default="", repr=False)
    """What its Accession Number becomes under the site's key; the number itself is not kept."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A sealed Segmentation of what was filled in an instance, of the same study."""

    blob: BlobRef
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class CleanInstance:
    """A sealed instance: nothing of the patient is left in it; the UIDs are the new ones.

    Its `companion` shares its journey: what is said of its delivery is said of both.
    """

    id: InstanceId
    blob: BlobRef
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    transfer_syntax: str
    rule: str
    destinations: tuple[str, ...]
    report: CleaningReport
    companion: Companion | None = None

    @property
    def contents(self) -> "tuple[Sealed, ...]":
        """What is sent, in this order: no archive has an instance and not yet its marks."""
        return (self,) if self.companion is None else (self.companion, self)


Sealed: TypeAlias = CleanInstance | Companion
"""What one C-STORE carries."""
