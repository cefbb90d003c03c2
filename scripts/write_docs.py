# ruff: noqa: INP001  # a script, not a package
"""Write the parts of the documentation that the code knows better than we do.

``python scripts/write_docs.py`` writes ``docs/configuration.md`` from the schema,
``docs/decisions/README.md`` from the decisions found beside it,
``docs/deidentification.md`` from the plan, the tables of transfer syntaxes and
of options in ``docs/conformance.md``, and the figures of ``docs/evaluation.md`` from
those that were kept. A test compares the committed files with what `documents`
returns, so a setting that is added, renamed or explained anew reaches the page before
it reaches a user.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CONFORMANCE: Final = ROOT / "docs" / "conformance.md"
DECISIONS: Final = ROOT / "docs" / "decisions"

_BEGIN: Final = "<!-- begin: {}, written by make docs -->\n"
_END: Final = "<!-- end: {} -->\n"


def documents() -> Mapping[Path, str]:
    """Return every generated file with its content."""
    from configuration_page import configuration
    from deidentification_page import deidentification
    from evaluation_page import CURVE, PAGE, calibration, evaluation

    return {
        ROOT / "docs" / "deidentification.md": deidentification(),
        ROOT / "docs" / "configuration.md": configuration(),
        CONFORMANCE: conformance(),
        DECISIONS / "README.md": decisions(),
        PAGE: evaluation(),
        CURVE: calibration(),
    }


def conformance() -> str:
    """Return the conformance statement with its tables of transfer syntaxes and of options."""
    from deidentification_page import profile_table

    page = CONFORMANCE.read_text(encoding="utf-8")
    page = _with_table(page, "transfer syntaxes", transfer_syntaxes())
    return _with_table(page, "profile and options", profile_table())


def _with_table(page: str, name: str, table: str) -> str:
    before, begin, rest = page.partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END.format(name))
    return before + begin + table + end + after


def transfer_syntaxes() -> str:
    """Return what the door and the pixel room do with each transfer syntax that they know."""
    from pydicom.uid import UID, AllTransferSyntaxes
    from pynetdicom import build_context

    from deid_node.dicom.syntaxes import known_syntaxes
    from deid_node.receive.dimse.contexts import accepted_contexts

    known = [syntax.uid for syntax in known_syntaxes()]
    known += [str(uid) for uid in AllTransferSyntaxes if str(uid) not in known]
    rows = []
    for uid in known:
        door = accepted_contexts([build_context(_CT_IMAGE, uid)])
        name = _YOUNG_NAMES.get(uid, UID(uid).name)
        rows.append(f"| {name} | {uid} | {'yes' if door else 'no'} | {_pixels_of(uid)} |\n")
    head = "| Transfer syntax | UID | Accepted | Pixels in which text was filled |\n"
    return head + "| --- | --- | --- | --- |\n" + "".join(rows)


_CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"

_YOUNG_NAMES: Final = {
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}
"""Names of syntaxes that are younger than the dictionary of the library."""


def _pixels_of(uid: str) -> str:
    from deid_node.dicom.syntaxes import JPEG_BASELINE, JPEG_EXTENDED, pixel_syntax_of
    from deid_node.errors import UnsupportedSyntax
    from deid_node.pixeldata.encoders import ENCODERS

    try:
        syntax = pixel_syntax_of(uid)
    except UnsupportedSyntax:
        return "withheld"
    if uid in {JPEG_BASELINE, JPEG_EXTENDED}:
        return "kept, block by block"
    return "kept" if not syntax.encapsulated or uid in ENCODERS else "decoded"


def decisions() -> str:
    """Return the list of decision records, numbered ones first, then by room."""
    rows = []
    for path in sorted(DECISIONS.glob("*.md")):
        if path.name != "README.md":
            title, _, state = path.read_text(encoding="utf-8").splitlines()[:3]
            when, _, status = state.removeprefix("Decided ").removesuffix(".").partition(", ")
            name = f"[{path.stem}]({path.name})"
            rows.append(f"| {name} | {title.removeprefix('# ')} | {when} | {status} |")
    return "\n".join(
        (
            "<!-- Written by `make docs` from the files of this folder. Do not edit. -->",
            "",
            "# Decisions",
            "",
            "Each record says what was decided, why, and what it costs.",
            "Its third line says when, and whether it is in force.",
            "One that is given up keeps its record, with a status that names the new one.",
            "",
            "| Record | Decision | Decided | Status |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        )
    )


if __name__ == "__main__":
    # The package lies beside this folder, installed or not.
    sys.path.insert(0, str(ROOT))
    for target, content in documents().items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
