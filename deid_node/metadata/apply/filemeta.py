"""File Meta Information, written from nothing.

The sender's own may name AE titles, private information and the original UIDs.
"""

from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from deid_node import __version__
from deid_node.dicom.part10 import IMPLEMENTATION_CLASS_UID


def implementation_version_name() -> str:
    """Return the name of this version, at most 16 characters (PS3.7 D.3.3.2)."""
    return f"DEID_NODE_{__version__}"[:16]


def new_file_meta(
    *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str
) -> FileMetaDataset:
    """Return file meta information that names the new instance and us, nothing else.

    Source
    ------
    PS3.10 Table 7.1-1.
    """
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = implementation_version_name()
    return meta
