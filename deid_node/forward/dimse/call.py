"""Whether an archive answers us: an association for Verification, and nothing more."""

from typing import Final

from deid_node.forward.dimse.association import Archive, open_association
from deid_node.forward.dimse.contexts import IMPLICIT_VR_LITTLE_ENDIAN
from deid_node.forward.dimse.pdus import Context

_VERIFICATION: Final = "1.2.840.10008.1.1"


def call(archive: Archive) -> None:
    """Ask `archive` for an association and release it; raise `DestinationUnavailable`.

    One that lets us in and offers no Verification answers all the same.
    """
    open_association(archive, [Context(1, _VERIFICATION, IMPLICIT_VR_LITTLE_ENDIAN)]).release()
