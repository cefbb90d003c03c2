"""Messages of a peer, put together from their fragments.

The library keeps a message in memory until its last fragment has come, however
long the peer goes on, and copies each PDU several times on the way. Datasets
of C-STORE go to disk while they come; anything else may be only so long.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.pdu_primitives import P_DATA

from deid_node.spool.incoming import Incoming

_LARGEST_COMMAND_BYTES: Final = 1 << 20
# A request for storage commitment of 100,000 instances takes half of it.
_LARGEST_OTHER_BYTES: Final = 1 << 25
_HEADER_BYTES: Final = 6

Begin = Callable[[str, str, str], Incoming]
"""From SOP Class UID, SOP Instance UID and transfer syntax to where the dataset goes."""


@dataclass(frozen=True, slots=True)
class DataTransfer:
    """A P-DATA-TF PDU whose fragments are views of the bytes that were read."""

    content: memoryview

    def to_primitive(self) -> Any:
        """Return the primitive that the library's state machine wants.

        Raises `ValueError` where a fragment claims to be longer than the PDU, or has
        no control header.

        Source
        ------
        PS3.8 section 9.3.5, E.2.
        """
        values: list[Any] = []
        at = _HEADER_BYTES
        while at < len(self.content):
            if at + 6 > len(self.content):
                raise ValueError("a fragment without its header")
            length, context = struct.unpack_from(">LB", self.content, at)
            end = at + 4 + length
            if length < 2 or end > len(self.content):
                raise ValueError("a fragment of an impossible length")
            values.append((context, self.content[at + 5 : end]))
            at = end
        primitive = P_DATA()
        # Its setter would ask for a copy.
        primitive._presentation_data_value_list = values  # noqa: SLF001
        return primitive


class ArrivingDataset(BytesIO):
    """What the library writes a dataset to; nothing of it stays in memory."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__()
        self.incoming = incoming

    def write(self, piece: Any, /) -> int:
        """Hand the bytes on."""
        self.incoming.write(piece)
        return len(piece)


class Messages(DIMSEServiceProvider):
    """Puts messages together; with `begin`, C-STORE datasets go where it says."""

    def __init__(self, association: Association, begin: Begin | None) -> None:
        super().__init__(association)
        self._begin = begin
        self._arriving: list[Incoming] = []

    def receive_primitive(self, primitive: Any) -> None:
        """Take the fragments of one PDU; raise `ValueError` for a message without end."""
        super().receive_primitive(primitive)
        message: Any = self.message
        if message is None:
            return
        if isinstance(message, C_STORE_RQ):
            if self._begin is not None and not isinstance(message.data_set, ArrivingDataset):
                message.data_set = ArrivingDataset(self._begun(message, self._begin))
        elif _length(message.data_set) > _LARGEST_OTHER_BYTES:
            raise ValueError("a message that is no C-STORE is too long")
        if _length(message.encoded_command_set) > _LARGEST_COMMAND_BYTES:
            raise ValueError("a command set is too long")

    def discard(self) -> None:
        """Remove what has come of messages that will not be served any more."""
        for incoming in self._arriving:
            incoming.discard()

    def _begun(self, message: Any, begin: Begin) -> Incoming:
        command = message.command_set
        sop_class_uid = str(command.get("AffectedSOPClassUID") or "")
        sop_instance_uid = str(command.get("AffectedSOPInstanceUID") or "")
        context = self.assoc._accepted_cx.get(message.context_id)  # noqa: SLF001
        syntax = str(context.transfer_syntax[0]) if context and context.transfer_syntax else ""
        incoming = begin(sop_class_uid, sop_instance_uid, syntax)
        self._arriving = [one for one in self._arriving if not one.is_over]
        self._arriving.append(incoming)
        incoming.write(message.data_set.getvalue())
        return incoming


def _length(buffer: BytesIO) -> int:
    return buffer.getbuffer().nbytes
