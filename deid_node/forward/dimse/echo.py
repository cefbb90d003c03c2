"""C-ECHO to an archive, when a person asks whether it is there.

On an association of its own: those that carry instances are not disturbed, and an archive
that serves few at once may say so.
"""

from typing import Final

from pydicom.uid import ImplicitVRLittleEndian

from deid_node.errors import DestinationUnavailable
from deid_node.forward.dimse.association import Archive, open_association
from deid_node.forward.dimse.pdus import Context

VERIFICATION: Final = "1.2.840.10008.1.1"
_PATIENCE_SECONDS: Final = 10.0


def echo(archive: Archive) -> None:
    """Return if `archive` answers C-ECHO with success; raise `DestinationUnavailable`.

    Source: PS3.4 Annex A (Verification).
    """
    context = Context(1, VERIFICATION, ImplicitVRLittleEndian)
    association = open_association(archive, [context], patience_seconds=_PATIENCE_SECONDS)
    try:
        status = association.echo(VERIFICATION, ImplicitVRLittleEndian)
    finally:
        association.release()
    if status:
        raise DestinationUnavailable(f"the destination answers C-ECHO with status 0x{status:04X}")
