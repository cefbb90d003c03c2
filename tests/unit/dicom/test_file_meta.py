"""The File Meta Information, read while the file comes."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from deid_node.dicom.file_meta import LARGEST_BYTES, FileMeta, file_meta_in
from deid_node.errors import DatasetUnreadable
from tests.builders.samples import packaged
from tests.builders.stow import CT, part_ten

FILES = ("CT_small.dcm", "image_dfl.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "rtplan.dcm")


@pytest.mark.parametrize("name", FILES)
def test_what_a_real_file_says_is_read(name: str) -> None:
    content = packaged(name).read_bytes()
    meta = dcmread(packaged(name)).file_meta

    found = file_meta_in(content)

    assert found == FileMeta(
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
        meta.TransferSyntaxUID,
        144 + meta.FileMetaInformationGroupLength,
    )


@pytest.mark.parametrize("name", FILES)
def test_until_it_is_whole_more_is_asked_for(name: str) -> None:
    content = packaged(name).read_bytes()
    whole = file_meta_in(content)
    assert whole is not None

    for length in range(whole.length_bytes):
        assert file_meta_in(content[:length]) is None
    assert file_meta_in(content[: whole.length_bytes + 2]) == whole


def test_a_wrong_length_of_the_group_does_not_count() -> None:
    content = part_ten()
    right = file_meta_in(content)

    for wrong in (0, 7, 1 << 30):
        assert file_meta_in(content[:140] + struct.pack("<L", wrong) + content[144:]) == right


def test_what_is_deflated_begins_where_the_length_says() -> None:
    """Its first bytes may look like an element of the group."""
    content = packaged("image_dfl.dcm").read_bytes()
    meta = file_meta_in(content)
    assert meta is not None
    assert meta.transfer_syntax == DeflatedExplicitVRLittleEndian

    odd = content[: meta.length_bytes] + b"\x02\x00\x99\x00UI\x04\x001234" + bytes(40)

    assert file_meta_in(odd) == meta


@pytest.mark.parametrize(
    "content",
    [
        bytes(128) + b"DOCM" + bytes(50),
        part_ten()[128:],
        part_ten().replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x20\x00UI"),
        part_ten().replace(b"\x02\x00\x02\x00UI", b"\x02\x00\x20\x00UI"),
        part_ten().replace(b"UI\x08\x001.2.3.4", b"UI\x08\x001.2.\xe9.4", 1),
        part_ten().replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x10\x00\x14\x00"),
        part_ten()[:144] + b"\x02\x00\x02\x01OB\0\0\xff\xff\xff\xff",
        part_ten()[:144] + b"\x02\x00\x02\x01UI\x00\x00" * LARGEST_BYTES,
        part_ten()[:132] + bytes(20),
    ],
    ids=[
        "no prefix", "no preamble", "no syntax", "no class", "no ascii", "implicit", "endless",
        "many", "nothing",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(content: bytes) -> None:
    with pytest.raises(DatasetUnreadable):
        file_meta_in(content)


@given(st.binary(max_size=300))
def test_noise_is_refused_or_asks_for_more(content: bytes) -> None:
    with contextlib.suppress(DatasetUnreadable):
        assert file_meta_in(bytes(128) + b"DICM" + content) is None


def test_no_uid_shows_in_a_repr() -> None:
    assert "1.2.3.4" not in repr(FileMeta(CT, "1.2.3.4", "1.2", 9))
