"""The parcel in its states of custody.

A `ReceivedInstance` exists only after the journal has committed it. A
`CleanInstance` is made by ``pipeline.seal`` and rebuilt by the journal from a
CLEAN row, nowhere else; an architecture test holds that. Delivery accepts no
other type.
"""

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class CleanInstance:
    """A sealed instance: nothing of the patient is left in it; the UIDs are the new ones."""

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
