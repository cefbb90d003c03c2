"""The codes of audit messages. Source: PS3.16 CID 400 to 405; PS3.15 A.5.3."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value: what it is, in which scheme, and in words."""

    value: str
    scheme: str
    meaning: str


def _dcm(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning)


APPLICATION_ACTIVITY: Final = _dcm("110100", "Application Activity")
BEGIN_TRANSFERRING: Final = _dcm("110102", "Begin Transferring DICOM Instances")
INSTANCES_ACCESSED: Final = _dcm("110103", "DICOM Instances Accessed")
INSTANCES_TRANSFERRED: Final = _dcm("110104", "DICOM Instances Transferred")
EXPORT: Final = _dcm("110106", "Export")
SECURITY_ALERT: Final = _dcm("110113", "Security Alert")

APPLICATION_START: Final = _dcm("110120", "Application Start")
APPLICATION_STOP: Final = _dcm("110121", "Application Stop")
NODE_AUTHENTICATION: Final = _dcm("110126", "Node Authentication")

APPLICATION: Final = _dcm("110150", "Application")
APPLICATION_LAUNCHER: Final = _dcm("110151", "Application Launcher")
DESTINATION_ROLE: Final = _dcm("110152", "Destination Role ID")
SOURCE_ROLE: Final = _dcm("110153", "Source Role ID")
DESTINATION_MEDIA: Final = _dcm("110154", "Destination Media")

MEDIA_URI: Final = _dcm("110037", "URI")

STUDY_INSTANCE_UID: Final = _dcm("110180", "Study Instance UID")
NODE_ID: Final = _dcm("110182", "Node ID")
PATIENT_NUMBER: Final = Code("2", "RFC-3881", "Patient Number")

RELEASED: Final = Code("released", "99DEIDNODE", "Released for another try")
DISCARDED: Final = Code("discarded", "99DEIDNODE", "Discarded for good")
REDELIVERED: Final = Code("redelivered", "99DEIDNODE", "To be delivered once more")
REPROCESSED: Final = Code("reprocessed", "99DEIDNODE", "To be cleaned once more")
MARKED: Final = Code("marked", "99DEIDNODE", "Text marked by a person, to be cleaned with that")
NO_TEXT: Final = Code("no-text", "99DEIDNODE", "Seen by a person and no text, to be cleaned so")
SERIES_RELEASED: Final = Code("series-released", "99DEIDNODE", "A series, waited for no longer")
INSTANCES_EXPECTED: Final = Code("instances-expected", "99DEIDNODE", "Size of a series said")
HELD: Final = Code("held", "99DEIDNODE", "Put aside by a person")
EXPORTED: Final = Code("copied-out", "99DEIDNODE", "Copied out of the spool by a person")
OBJECTED: Final = Code("objected", "99DEIDNODE", "Not agreed to by a second person")
NOTHING_MISSED: Final = Code("nothing-missed", "99DEIDNODE", "Sample seen by a person, clean")
MISSED: Final = Code("missed", "99DEIDNODE", "Sample seen by a person, something was missed")
REGIONS_PROPOSED: Final = Code("regions-proposed", "99DEIDNODE", "Fixed regions proposed")
REGIONS_ACCEPTED: Final = Code("regions-accepted", "99DEIDNODE", "Fixed regions put in force")
REGIONS_REFUSED: Final = Code("regions-refused", "99DEIDNODE", "Fixed regions refused")
VALUES_SHOWN: Final = Code("values-shown", "99DEIDNODE", "Values of attributes shown to a person")
INSTANCE_OF_NODE: Final = Code("instance", "99DEIDNODE", "Instance as the node names it")
"""A withheld instance has no new Study Instance UID, and its old one is not told."""
