"""What this house knows of transfer syntaxes: a closed table.

A syntax that is not in the table is not guessed at: its pixels cannot be looked
into, so the instance is withheld. "May lose" says that a codestream of this
syntax is allowed to be lossy; some of them happen to be reversible all the same.

Source: PS3.5 Annex A, PS3.6 Table A-1.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from deid_node.errors import UnsupportedSyntax

EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
EXPLICIT_BIG: Final = "1.2.840.10008.1.2.2"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"


class Family(StrEnum):
    """How Pixel Data is coded; one decoder serves a family."""

    NATIVE = "native"
    UNCOMPRESSED = "uncompressed"
    DEFLATED_FRAMES = "deflated_frames"
    RLE = "rle"
    JPEG = "jpeg"
    JPEG_LOSSLESS = "jpeg_lossless"
    JPEG_LS = "jpeg_ls"
    JPEG_2000 = "jpeg_2000"
    HTJ2K = "htj2k"
    JPEG_XL = "jpeg_xl"
    REFERENCED = "referenced"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Syntax:
    """One transfer syntax; `big_endian` concerns the dataset and native pixels alike."""

    uid: str
    family: Family
    may_lose: bool = False
    big_endian: bool = False

    @property
    def encapsulated(self) -> bool:
        """Whether Pixel Data is a sequence of fragments (PS3.5 A.4)."""
        return self.family is not Family.NATIVE


_ROOT: Final = "1.2.840.10008.1.2"

_TABLE: Final = MappingProxyType(
    {
        syntax.uid: syntax
        for syntax in (
            Syntax(_ROOT, Family.NATIVE),
            Syntax(EXPLICIT_LITTLE, Family.NATIVE),
            Syntax(EXPLICIT_BIG, Family.NATIVE, big_endian=True),
            Syntax(f"{_ROOT}.1.99", Family.NATIVE),
            Syntax(f"{_ROOT}.1.98", Family.UNCOMPRESSED),
            Syntax(f"{_ROOT}.8.1", Family.DEFLATED_FRAMES),
            Syntax(f"{_ROOT}.5", Family.RLE),
            Syntax(JPEG_BASELINE, Family.JPEG, may_lose=True),
            Syntax(JPEG_EXTENDED, Family.JPEG, may_lose=True),
            # Retired, spectral selection and full progression: old archives hold them.
            Syntax(f"{_ROOT}.4.53", Family.JPEG, may_lose=True),
            Syntax(f"{_ROOT}.4.55", Family.JPEG, may_lose=True),
            Syntax(f"{_ROOT}.4.57", Family.JPEG_LOSSLESS),
            Syntax(f"{_ROOT}.4.70", Family.JPEG_LOSSLESS),
            Syntax(f"{_ROOT}.4.80", Family.JPEG_LS),
            Syntax(f"{_ROOT}.4.81", Family.JPEG_LS, may_lose=True),
            Syntax(f"{_ROOT}.4.90", Family.JPEG_2000),
            Syntax(f"{_ROOT}.4.91", Family.JPEG_2000, may_lose=True),
            Syntax(f"{_ROOT}.4.201", Family.HTJ2K),
            Syntax(f"{_ROOT}.4.202", Family.HTJ2K),
            Syntax(f"{_ROOT}.4.203", Family.HTJ2K, may_lose=True),
            Syntax(f"{_ROOT}.4.110", Family.JPEG_XL),
            Syntax(f"{_ROOT}.4.111", Family.JPEG_XL, may_lose=True),
            Syntax(f"{_ROOT}.4.112", Family.JPEG_XL, may_lose=True),
            # JPIP: the pixels are on a server, not in the object.
            Syntax(f"{_ROOT}.4.94", Family.REFERENCED, may_lose=True),
            Syntax(f"{_ROOT}.4.95", Family.REFERENCED, may_lose=True),
            Syntax(f"{_ROOT}.4.204", Family.REFERENCED, may_lose=True),
            Syntax(f"{_ROOT}.4.205", Family.REFERENCED, may_lose=True),
            *(
                Syntax(f"{_ROOT}.4.{number}", Family.VIDEO, may_lose=True)
                for number in (
                    *("100", "100.1", "101", "101.1", "102", "102.1", "103", "103.1"),
                    *("104", "104.1", "105", "105.1", "106", "106.1", "107", "108"),
                )
            ),
            # SMPTE ST 2110 streams are video too.
            *(Syntax(f"{_ROOT}.7.{n}", Family.VIDEO, may_lose=True) for n in (1, 2, 3)),
        )
    }
)

_NOT_LOOKED_INTO: Final = frozenset({Family.JPEG_XL, Family.REFERENCED, Family.VIDEO})


def syntax_of(uid: str) -> Syntax:
    """Return the facts of transfer syntax `uid`.

    Raises
    ------
    UnsupportedSyntax
        The table does not know it.
    """
    try:
        return _TABLE[uid]
    except KeyError:
        raise UnsupportedSyntax("the transfer syntax is not known") from None


def pixel_syntax_of(uid: str) -> Syntax:
    """Return the facts of `uid` where its pixels can be decoded here.

    Raises
    ------
    UnsupportedSyntax
        Unknown, or video, JPEG XL, pixels elsewhere (JPIP).
    """
    syntax = syntax_of(uid)
    if syntax.family in _NOT_LOOKED_INTO:
        raise UnsupportedSyntax(f"pixels of family {syntax.family} are not looked into")
    return syntax


def known_syntaxes() -> tuple[Syntax, ...]:
    """Return every syntax of the table, in its order."""
    return tuple(_TABLE.values())
