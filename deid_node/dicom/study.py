"""To which study and series an instance belongs, as the journal writes it down."""

from dataclasses import dataclass, field

from deid_node.dicom.identity import identity_of


@dataclass(frozen=True, slots=True)
class Lineage:
    """Study and Series Instance UID and Accession Number as sent; empty where there are none."""

    study_instance_uid: str = field(default="", repr=False)
    series_instance_uid: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)


def lineage_of(dataset: bytes, transfer_syntax: str) -> Lineage:
    """Return to which study and series `dataset`, encoded in `transfer_syntax`, says it belongs.

    It may break off anywhere: what stands before counts.
    """
    found = identity_of(dataset, transfer_syntax)
    return Lineage(found.study_instance_uid, found.series_instance_uid, found.accession_number)
