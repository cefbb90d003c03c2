"""A tag that stands twice is never read: two readers would take two different elements for it."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from deid_node.dicom import part10
from deid_node.dicom.bulk import LARGE_BYTES
from deid_node.dicom.identity import identity_of, require_named, require_one_identity
from deid_node.dicom.silence import silenced
from deid_node.errors import DatasetMismatch, MalformedDataset, RepeatedTag
from tests.builders.samples import packaged

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CLASS, INSTANCE, NAME, PATIENT_ID = 0x00080016, 0x00080018, 0x00100010, 0x00100020
STUDY_REFERENCES, REFERENCED_INSTANCE = 0x00081110, 0x00081155
PIXELS, PRIVATE_CREATOR, PRIVATE = 0x7FE00010, 0x00290010, 0x00291001
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
LONG = {"OB", "OW", "SQ", "UN", "UT"}

SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


class Encoder:
    """Writes elements as they are asked for, in whatever order."""

    def __init__(self, syntax: str) -> None:
        self.syntax = syntax
        self.order = ">" if syntax == ExplicitVRBigEndian else "<"
        self.implicit = syntax == ImplicitVRLittleEndian

    def element(self, tag: int, vr: str, value: bytes | str, *, undefined: bool = False) -> bytes:
        content = value.encode() if isinstance(value, str) else value
        content += b"\x00" * (len(content) % 2)
        length = UNDEFINED if undefined else len(content)
        head = struct.pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        if self.implicit:
            head += struct.pack(f"{self.order}L", length)
        elif vr in LONG:
            head += struct.pack(f"{self.order}2sHL", vr.encode(), 0, length)
        else:
            head += struct.pack(f"{self.order}2sH", vr.encode(), length)
        return head + content + (self.bare(SEQUENCE_END) if undefined else b"")

    def bare(self, tag: int, length: int = 0) -> bytes:
        return struct.pack(f"{self.order}HHL", tag >> 16, tag & 0xFFFF, length)

    def item(self, content: bytes, *, undefined: bool = False) -> bytes:
        if undefined:
            return self.bare(ITEM, UNDEFINED) + content + self.bare(ITEM_END)
        return self.bare(ITEM, len(content)) + content

    def identity(self) -> bytes:
        return self.element(CLASS, "UI", SECONDARY_CAPTURE) + self.element(
            INSTANCE, "UI", "1.2.3.4"
        )

    def name(self, value: str = "DOE^JANE") -> bytes:
        return self.element(NAME, "PN", value)

    def two_references(self) -> bytes:
        return self.element(REFERENCED_INSTANCE, "UI", "1.2.3") + self.element(
            REFERENCED_INSTANCE, "UI", "1.2.4"
        )


def a_file(folder: Path, syntax: str, dataset: bytes, *, meta: bytes | None = None) -> Path:
    header = meta or part10.spool_header(
        sop_class_uid=SECONDARY_CAPTURE, sop_instance_uid="1.2.3.4", transfer_syntax=syntax
    )
    if syntax == DeflatedExplicitVRLittleEndian:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        dataset = deflater.compress(dataset) + deflater.flush()
    path = folder / "instance.dcm"
    path.write_bytes(header + dataset)
    return path


def twice(e: Encoder) -> bytes:
    return e.identity() + e.name() + e.name("ROE^JOHN")


def two_instances(e: Encoder) -> bytes:
    return e.identity() + e.element(INSTANCE, "UI", "1.2.3.5") + e.name()


def out_of_order(e: Encoder) -> bytes:
    return e.identity() + e.element(PATIENT_ID, "LO", "4711") + e.name()


def behind_pixels(e: Encoder) -> bytes:
    return e.identity() + e.name() + e.element(PIXELS, "OW", bytes(64)) + e.name("ROE^JOHN")


def behind_fragments(e: Encoder) -> bytes:
    fragments = e.item(b"") + e.item(b"\xff\xd8\xff\xd9")
    return e.identity() + e.element(PIXELS, "OB", fragments, undefined=True) + e.name()


def in_an_item(e: Encoder) -> bytes:
    return e.identity() + e.element(STUDY_REFERENCES, "SQ", e.item(e.two_references()))


def in_a_second_item(e: Encoder) -> bytes:
    items = e.item(b"") + e.item(e.two_references(), undefined=True)
    return e.identity() + e.element(STUDY_REFERENCES, "SQ", items, undefined=True)


def three_deep(e: Encoder) -> bytes:
    inner = e.element(STUDY_REFERENCES, "SQ", e.item(e.two_references(), undefined=True))
    middle = e.element(STUDY_REFERENCES, "SQ", e.item(inner), undefined=True)
    return e.identity() + e.element(STUDY_REFERENCES, "SQ", e.item(middle))


def in_a_private_sequence(e: Encoder) -> bytes:
    items = e.item(e.two_references(), undefined=True)
    return (
        e.identity()
        + e.element(PRIVATE_CREATOR, "LO", "A CREATOR")
        + e.element(PRIVATE, "SQ", items, undefined=True)
    )


def in_private_bytes(e: Encoder) -> bytes:
    """Told as bytes; whoever knows the attribute reads items."""
    return (
        e.identity()
        + e.element(PRIVATE_CREATOR, "LO", "A CREATOR")
        + e.element(PRIVATE, "UN", e.item(e.two_references()))
    )


def in_an_item_behind_pixels(e: Encoder) -> bytes:
    return (
        e.identity()
        + e.element(PIXELS, "OW", bytes(64))
        + e.element(0x7FE10010, "LO", "A CREATOR")
        + e.element(0x7FE11001, "SQ", e.item(e.two_references()))
    )


REPEATED = (
    twice,
    two_instances,
    out_of_order,
    behind_pixels,
    behind_fragments,
    in_an_item,
    in_a_second_item,
    three_deep,
    in_a_private_sequence,
    in_private_bytes,
    in_an_item_behind_pixels,
)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big", "deflated"])
@pytest.mark.parametrize("made", REPEATED)
def test_a_tag_that_stands_twice_or_out_of_order_is_told(
    tmp_path: Path, syntax: str, made: Callable[[Encoder], bytes]
) -> None:
    path = a_file(tmp_path, syntax, made(Encoder(syntax)))

    with silenced(), pytest.raises(RepeatedTag) as caught:
        part10.read(path)

    assert caught.value.code == "repeated_tag"
    assert "DOE" not in str(caught.value)
    assert "1.2.3" not in str(caught.value)


def test_what_is_sent_as_unknown_is_looked_into(tmp_path: Path) -> None:
    """The library reads a known sequence that came as UN, in items without VRs (PS3.5 6.2.2)."""
    explicit, implicit = Encoder(ExplicitVRLittleEndian), Encoder(ImplicitVRLittleEndian)
    items = implicit.item(implicit.two_references(), undefined=True)

    for undefined in (False, True):
        value = explicit.element(STUDY_REFERENCES, "UN", items, undefined=undefined)
        path = a_file(tmp_path, ExplicitVRLittleEndian, explicit.identity() + value)
        with pytest.raises(RepeatedTag, match="ReferencedSOPInstanceUID"):
            part10.read(path)


def test_the_file_meta_information_is_looked_at_too(tmp_path: Path) -> None:
    e = Encoder(ExplicitVRLittleEndian)
    uid = e.element(0x00020003, "UI", "1.2.3.4") + e.element(0x00020003, "UI", "1.2.3.5")
    for syntax in (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        meta = bytes(128) + b"DICM" + uid + e.element(0x00020010, "UI", syntax)
        path = a_file(tmp_path, syntax, e.identity() + e.name(), meta=meta)
        with pytest.raises(RepeatedTag, match="MediaStorageSOPInstanceUID"):
            part10.read(path)


def test_a_large_value_hides_nothing_behind_it(tmp_path: Path) -> None:
    e = Encoder(ExplicitVRLittleEndian)
    pixels = e.element(PIXELS, "OW", bytes(LARGE_BYTES + 2))
    path = a_file(tmp_path, ExplicitVRLittleEndian, e.identity() + pixels + e.name())

    with pytest.raises(RepeatedTag, match="PatientName"):
        part10.read(path)


@pytest.mark.parametrize("syntax", SYNTAXES[:3], ids=["explicit", "implicit", "big"])
def test_private_bytes_that_only_begin_like_an_item_stay_bytes(tmp_path: Path, syntax: str) -> None:
    e = Encoder(syntax)
    noise = e.item(e.two_references()) + b"no item at all"
    content = (
        e.identity()
        + e.element(PRIVATE_CREATOR, "LO", "A CREATOR")
        + e.element(PRIVATE, "UN", noise)
    )

    dataset = part10.read(a_file(tmp_path, syntax, content))

    assert dataset[PRIVATE].value == noise


@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big", "deflated"])
@pytest.mark.parametrize("count", [2, 7, 8, 12, 1000, 20_000])
def test_zeros_behind_the_last_element_are_padding(tmp_path: Path, syntax: str, count: int) -> None:
    e = Encoder(syntax)
    content = e.identity() + e.name() + e.element(PIXELS, "OW", bytes(range(64)))
    plain = part10.read(a_file(tmp_path, syntax, content))

    padded = part10.read(a_file(tmp_path, syntax, content + bytes(count)))

    assert list(padded.keys()) == list(plain.keys())
    assert padded == plain


def test_a_private_element_of_a_vr_that_nobody_knows_is_stepped_over(tmp_path: Path) -> None:
    e = Encoder(ExplicitVRLittleEndian)
    private = e.element(PRIVATE_CREATOR, "LO", "A CREATOR") + e.element(PRIVATE, "QQ", "value")
    content = e.identity() + private + e.element(PIXELS, "OW", bytes(8))

    with silenced():
        dataset = part10.read(a_file(tmp_path, ExplicitVRLittleEndian, content))

    assert PRIVATE in dataset
    assert dataset.PixelData == bytes(8)


@pytest.mark.parametrize("behind", [b"\x00" * 40 + b"x", b"\r\n", b"DOE^JANE"])
def test_anything_else_behind_the_last_element_is_no_padding(tmp_path: Path, behind: bytes) -> None:
    e = Encoder(ExplicitVRLittleEndian)
    path = a_file(tmp_path, ExplicitVRLittleEndian, e.identity() + e.name() + behind)

    with silenced(), pytest.raises((MalformedDataset, RepeatedTag)) as caught:
        part10.read(path)

    assert "DOE" not in str(caught.value)


def test_an_item_that_belongs_to_no_sequence_is_left_out(tmp_path: Path) -> None:
    """Some ultrasound scanners forget the head of their sequence of regions."""
    e = Encoder(ExplicitVRLittleEndian)
    content = e.identity() + e.item(e.two_references()) + e.bare(SEQUENCE_END) + e.name()

    dataset = part10.read(a_file(tmp_path, ExplicitVRLittleEndian, content))

    assert list(dataset.keys()) == [CLASS, INSTANCE, NAME]


def test_an_item_without_a_sequence_hides_no_repeated_tag(tmp_path: Path) -> None:
    e = Encoder(ExplicitVRLittleEndian)
    content = e.identity() + e.name() + e.item(e.name()) + e.name("ROE^JOHN")

    with pytest.raises(RepeatedTag, match="PatientName"):
        part10.read(a_file(tmp_path, ExplicitVRLittleEndian, content))


def test_an_element_may_not_reach_beyond_its_item(tmp_path: Path) -> None:
    """One reader goes on behind the item, another behind the element."""
    e = Encoder(ExplicitVRLittleEndian)
    inner = e.element(REFERENCED_INSTANCE, "UI", "1.2.3.4")
    items = e.bare(ITEM, len(inner) - 4) + inner
    content = e.identity() + e.element(STUDY_REFERENCES, "SQ", items) + e.name()

    with silenced(), pytest.raises(MalformedDataset):
        part10.read(a_file(tmp_path, ExplicitVRLittleEndian, content))


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_bigendian.dcm",
        "rtplan.dcm",
        "image_dfl.dcm",
        "reportsi.dcm",
        "UN_sequence.dcm",
        "nested_priv_SQ.dcm",
        "priv_SQ.dcm",
        "ExplVR_BigEnd.dcm",
        "no_meta_group_length.dcm",
        "JPEG2000.dcm",
        "SC_rgb_rle_2frame.dcm",
    ],
)
def test_sound_files_are_read_as_the_library_reads_them(name: str) -> None:
    with silenced():
        assert part10.read(packaged(name)) == dcmread(packaged(name))


@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big", "deflated"])
def test_an_instance_of_two_names_is_taken_under_either_and_under_no_other(syntax: str) -> None:
    """It is withheld in the corridor, where a person sees it."""
    content = two_instances(Encoder(syntax))
    if syntax == DeflatedExplicitVRLittleEndian:
        content = zlib.compress(content, wbits=-zlib.MAX_WBITS)

    identity = identity_of(content, syntax)

    for uid in ("1.2.3.4", "1.2.3.5"):
        require_named(identity, sop_class_uid=SECONDARY_CAPTURE, sop_instance_uid=uid)
    with pytest.raises(DatasetMismatch):
        require_named(identity, sop_class_uid=SECONDARY_CAPTURE, sop_instance_uid="1.2.3.6")


def test_an_instance_that_begins_out_of_order_is_taken() -> None:
    e = Encoder(ExplicitVRLittleEndian)

    identity = identity_of(e.name() + e.identity(), ExplicitVRLittleEndian)

    require_named(identity, sop_class_uid=SECONDARY_CAPTURE, sop_instance_uid="1.2.3.4")


@pytest.mark.parametrize("place", ["dataset", "meta", "journal", "class"])
def test_dataset_file_meta_and_journal_name_one_object(tmp_path: Path, place: str) -> None:
    e = Encoder(JPEGBaseline8Bit)
    dataset = part10.read(a_file(tmp_path, JPEGBaseline8Bit, e.identity() + e.name()))
    require_one_identity(dataset, sop_instance_uid="1.2.3.4")
    known = "1.2.3.4"
    if place == "dataset":
        dataset.SOPInstanceUID = UID("1.2.3.9")
    elif place == "meta":
        dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.9")
    elif place == "class":
        dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.4")
    else:
        known = "1.2.3.9"

    with pytest.raises(MalformedDataset) as caught:
        require_one_identity(dataset, sop_instance_uid=known)

    assert "1.2.3" not in str(caught.value)
