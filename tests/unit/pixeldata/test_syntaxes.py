import pytest
from pydicom.uid import UID

from deid_node.dicom.syntaxes import (
    Family,
    known_syntaxes,
    pixel_syntax_of,
    syntax_of,
)
from deid_node.errors import UnsupportedSyntax
from deid_node.pixeldata.decoders import DECODERS
from deid_node.pixeldata.encoders import ENCODERS


def test_no_syntax_stands_twice() -> None:
    uids = [syntax.uid for syntax in known_syntaxes()]

    assert len(uids) == len(set(uids))


@pytest.mark.parametrize("syntax", known_syntaxes(), ids=lambda s: s.uid)
def test_the_table_agrees_with_pydicoms(syntax: object) -> None:
    uid = UID(syntax.uid)  # type: ignore[attr-defined]
    if uid.is_private or not uid.is_transfer_syntax:
        pytest.skip("pydicom does not know it")

    assert syntax_of(uid).encapsulated == uid.is_encapsulated
    assert syntax_of(uid).big_endian == (not uid.is_little_endian)


@pytest.mark.parametrize("uid", ["", "1.2.3", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.94"])
def test_what_cannot_be_looked_into_is_unsupported(uid: str) -> None:
    with pytest.raises(UnsupportedSyntax):
        pixel_syntax_of(uid)


def test_every_encapsulated_family_that_is_looked_into_has_a_decoder() -> None:
    unseen = {Family.NATIVE, Family.VIDEO, Family.REFERENCED, Family.JPEG_XL}

    assert set(DECODERS) == set(Family) - unseen


def test_no_lossy_syntax_has_an_encoder() -> None:
    assert not [uid for uid in ENCODERS if syntax_of(uid).may_lose]
