"""The names of character sets: a closed list, because they are carried over as they stand.

Nobody reads them as text, the second look neither. What is no name of a character
set is whatever stood in a damaged element: an accession number, a patient's id.
"""

import re
from typing import Final

from pydicom.charset import python_encoding

from deid_node.errors import MalformedDataset

# As many senders write them; the library understands them so.
_MISSPELT: Final = re.compile(r"(?i:ISO[ _.-]?(2022[ _.-]?)?IR[ _.-]?)[0-9]{1,3}")
_SEPARATOR: Final = "\\"


def require_character_sets(text: str) -> None:
    """Raise `MalformedDataset` where a value of Specific Character Set is none.

    Source
    ------
    PS3.3 C.12.1.1.2 (defined terms).
    """
    for value in text.split(_SEPARATOR):
        name = value.strip("\0 ")
        if name not in python_encoding and not _MISSPELT.fullmatch(name):
            raise MalformedDataset("SpecificCharacterSet names no character set")
