"""What was withheld is told with its reason: an attribute and a fact, and nobody's values."""

from collections import Counter
from io import BytesIO
from pathlib import Path
from struct import pack

import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.batch.line import report_line
from deid_node.cli.reports import summary
from deid_node.dicom import part10
from deid_node.errors import MalformedDataset
from deid_node.values.outcome import Discarded, Withheld
from tests.unit.metadata.canary import marks_in, study_instance


def test_the_report_gives_the_reason_beside_the_code() -> None:
    withheld = Withheld("malformed_dataset", "RescaleSlope is no number", "everything")

    line = report_line("a.dcm", withheld, seconds=0.1)

    assert (line["code"], line["reason"]) == ("malformed_dataset", "RescaleSlope is no number")
    keys = list(line)
    assert keys.index("reason") == keys.index("code") + 1


def test_what_is_not_withheld_has_none() -> None:
    line = report_line("a.dcm", Discarded("rule"), seconds=0.1)

    assert (line["code"], line["reason"]) == (None, None)


def test_the_summary_lists_codes_with_their_reasons_the_most_frequent_first() -> None:
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    counts["clean", None, None] = 7
    counts["discarded", None, None] = 1
    counts["withheld", "no_rule", "no routing rule matched"] = 1
    counts["withheld", "malformed_dataset", "Rows is no number"] = 1
    counts["withheld", "malformed_dataset", "PixelData: the file breaks off inside a value"] = 2

    assert summary(counts).splitlines() == [
        "7 clean, 1 discarded, 4 withheld",
        "  withheld as malformed_dataset: 3",
        "    PixelData: the file breaks off inside a value: 2",
        "    Rows is no number: 1",
        "  withheld as no_rule: 1",
        "    no routing rule matched: 1",
    ]


def _part10(behind: bytes, syntax: UID) -> bytes:
    dataset = study_instance()
    dataset.file_meta.TransferSyntaxUID = syntax
    del dataset.Rows
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue() + behind


@pytest.mark.parametrize(
    ("syntax", "behind", "name"),
    [
        # Text where a sequence should be, as one anonymizer writes it.
        (
            ImplicitVRLittleEndian,
            pack("<HHL", 0x0040, 0xA730, 30) + b"Canarybird^Tweety was here 771",
            "ContentSequence",
        ),
        # An item without its end.
        (
            ExplicitVRLittleEndian,
            pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
            + pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
            + pack("<HH2sH", 0x0040, 0xA123, b"PN", 10)
            + b"Canarybird"
            + pack("<HHL", 0xFFFE, 0xE0DD, 0),
            "ContentSequence",
        ),
        # A value that is longer than what is left of the file.
        (
            ExplicitVRLittleEndian,
            pack("<HH2sH", 0x0028, 0x0030, b"DS", 40) + b"Canarybird",
            "PixelSpacing",
        ),
    ],
    ids=["text as items", "no end", "cut off"],
)
def test_a_file_that_cannot_be_read_is_told_with_the_attribute(
    tmp_path: Path, syntax: UID, behind: bytes, name: str
) -> None:
    path = tmp_path / "broken.dcm"
    path.write_bytes(_part10(behind, syntax))

    with pytest.raises(MalformedDataset) as raised:
        part10.read(path)

    assert str(raised.value).startswith(f"{name}: ")
    assert not marks_in(str(raised.value).encode())
