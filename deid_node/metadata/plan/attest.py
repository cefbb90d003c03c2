"""What the instance says of its own de-identification: only what was done.

Claims that the instance came with are removed by the plan; a proof comes from
the act, not from the input.
"""

from pydicom.dataset import Dataset

from deid_node import __version__
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.table import EDITION

BASIC_PROFILE_CODE = "113100"
_BASIC_PROFILE_MEANING = "Basic Application Confidentiality Profile"
ATTESTED = frozenset(
    {
        0x00082111,  # Derivation Description
        0x00120062,  # Patient Identity Removed
        0x00120063,  # De-identification Method
        0x00120064,  # De-identification Method Code Sequence
        0x00280301,  # Burned In Annotation
        0x00280303,  # Longitudinal Temporal Information Modified
    }
)
"""Tags that are written here, after the plan has removed what came in."""

_LONGEST_DERIVATION = 1024  # characters of an ST
_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)


def attest(
    dataset: Dataset,
    *,
    options: frozenset[Option],
    pixels_looked_at: bool,
    derivation: tuple[str, ...] = (),
    second_look_clean: bool,
    burned_in_stands: bool = False,
    follows_table: bool = True,
) -> tuple[str, ...]:
    """Write the de-identification marks into `dataset`, a scrubbed one of ours.

    Parameters
    ----------
    dataset
        A scrubbed dataset; this is the one function of the room that writes to
        its argument.
    options
        What the treatment asked for.
    pixels_looked_at
        Every frame was looked at by the finder.
    derivation
        What Derivation Description (0008,2111) is to say of the pixels, sentence by
        sentence; ours, so it is not cleaned. It stands behind what the plan left of
        the sender's.
    second_look_clean
        After the fill, the second look found no text in any frame.
    burned_in_stands
        The original says that text is burned in, none was found, and the treatment lets
        it leave: then it goes on saying so.
    follows_table
        No addition of the site asks for less than Table E.1-1 (`Plan.follows_table`).

    Returns
    -------
    The codes written to De-identification Method Code Sequence (0012,0064).
    113101 (Clean Pixel Data) is among them only where pixels were asked for,
    looked at, and found clean the second time; (0028,0301) Burned In Annotation
    becomes NO only then, and only on an object with pixels. 113102 (Clean
    Recognizable Visual Features) is never among them: nothing here removes a
    face. The other options are done by the plan, so they are claimed with it.

    Source
    ------
    PS3.15 E.1.1 steps 5 to 8, E.3.1, E.3.6; PS3.3 C.12.1.1.7, C.7.1.1.1, C.7.6.1.1.3.
    """
    proven = pixels_looked_at and second_look_clean and any(tag in dataset for tag in _PIXELS)
    claimed = options - {Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES}
    if not proven:
        claimed -= {Option.CLEAN_PIXEL_DATA}
    codes = [(BASIC_PROFILE_CODE, _BASIC_PROFILE_MEANING)] if follows_table else []
    codes += [(option.code, option.meaning) for option in Option if option in claimed]
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = method_text(follows_table=follows_table)
    if codes:
        dataset.DeidentificationMethodCodeSequence = [_code(*code) for code in codes]
    dataset.LongitudinalTemporalInformationModified = _dates_are(options)
    if derivation:
        _append_derivation(dataset, "; ".join(derivation))
    if burned_in_stands:
        dataset.BurnedInAnnotation = "YES"
    elif proven:
        dataset.BurnedInAnnotation = "NO"
    return tuple(value for value, _ in codes)


def method_text(*, follows_table: bool = True) -> str:
    """Return the text of De-identification Method (0012,0063): LO, at most 64 characters."""
    profile = "Basic Profile" if follows_table else "weakened by the site"
    return f"deid_node {__version__}, PS3.15 {EDITION} {profile}"


def _append_derivation(dataset: Dataset, ours: str) -> None:
    said = str(dataset.get("DerivationDescription") or "").strip()
    if ours == said or said.endswith(f"; {ours}"):
        return
    both = f"{said}; {ours}" if said else ours
    dataset.DerivationDescription = both if len(both) <= _LONGEST_DERIVATION else ours


def _dates_are(options: frozenset[Option]) -> str:
    """Return the defined term of PS3.3 C.12.1.1.7 for what was done to dates."""
    if Option.RETAIN_LONGITUDINAL_FULL_DATES in options:
        return "UNMODIFIED"
    if Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in options:
        return "MODIFIED"
    return "REMOVED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item
