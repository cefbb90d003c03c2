"""House rules on top of pydicom.

Whatever of this room is imported first tells pydicom of the transfer syntaxes of PS3.6 that it
does not know: it writes no dataset in such a one, and we would give their UIDs a new value.
"""

from typing import Final

from pydicom._uid_dict import UID_dictionary

NEW_TRANSFER_SYNTAXES: Final = (
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", "JPEGXLLossless"),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", "JPEGXLJPEGRecompression"),
    ("1.2.840.10008.1.2.4.112", "JPEG XL", "JPEGXL"),
    ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", "DeflatedImageFrameCompression"),
)
"""UID, name and keyword of each (PS3.6 2026d, table A-1)."""

for _uid, _name, _keyword in NEW_TRANSFER_SYNTAXES:
    UID_dictionary.setdefault(_uid, (_name, "Transfer Syntax", "", "", _keyword))
