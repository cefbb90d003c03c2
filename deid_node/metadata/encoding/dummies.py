"""Values that stand where something stood: valid for their VR and evidently no patient's."""

from types import MappingProxyType
from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from deid_node.metadata.encoding.elements import Stored, text_of, vr_of

TEXT = "REMOVED"
DATE = "19000101"
TIME = "000000"
CODE_SCHEME = "99DEIDNODE"  # 99: a private coding scheme (PS3.16 8.1)

_DUMMIES: Final = MappingProxyType[str, str | int | float | bytes](
    {
        "AE": TEXT,
        "AS": "000Y",
        "AT": 0,
        "CS": TEXT,
        "DA": DATE,
        "DS": "0",
        "DT": DATE + TIME,
        "FD": 0.0,
        "FL": 0.0,
        "IS": "0",
        "LO": TEXT,
        "LT": TEXT,
        "OB": b"\0\0",
        "OD": b"\0" * 8,
        "OF": b"\0" * 4,
        "OL": b"\0" * 4,
        "OV": b"\0" * 8,
        "OW": b"\0\0",
        "PN": TEXT,
        "SH": TEXT,
        "SL": 0,
        "SS": 0,
        "ST": TEXT,
        "SV": 0,
        "TM": TIME,
        "UC": TEXT,
        "UL": 0,
        "UN": b"\0\0",
        "UR": "urn:removed",
        "US": 0,
        "UT": TEXT,
        "UV": 0,
    }
)

# As many dummies as there were values: attributes that run in parallel stay parallel.
_COUNTED = frozenset({"AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UC"})


def dummy(element: Stored, parent: Dataset) -> DataElement:
    """Return an element of the same tag and VR with a dummy value (not for SQ, UI).

    Source
    ------
    PS3.15 E.2 (action D); PS3.5 Table 6.2-1 (what each VR may hold).
    """
    vr = vr_of(element)
    value = _DUMMIES[vr]
    if vr in _COUNTED:
        return DataElement(element.tag, vr, [value] * (text_of(element, parent).count("\\") + 1))
    return DataElement(element.tag, vr, value)


def dummy_code() -> Dataset:
    """Return a coded entry that names nobody.

    Source
    ------
    PS3.3 Table 8.8-1 (Code Sequence Macro).
    """
    item = Dataset()
    item.CodeValue = TEXT
    item.CodingSchemeDesignator = CODE_SCHEME
    item.CodeMeaning = "Removed"
    return item
