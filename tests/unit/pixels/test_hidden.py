import copy

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid_node.errors import UnsupportedObject
from deid_node.pixels.hidden.pictures import without_hidden_pictures
from tests.unit.pixeldata.instances import Kind, instance, noise, reread


def icon() -> Dataset:
    item = Dataset()
    item.Rows = item.Columns = 2
    item.PixelData = b"\x01\x02\x03\x04"
    item["PixelData"].VR = "OB"
    return item


def dirty() -> Dataset:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.IconImageSequence = Sequence([icon()])
    referenced = Dataset()
    referenced.ReferencedSOPClassUID = "1.2.3"
    referenced.IconImageSequence = Sequence([icon()])
    dataset.ReferencedImageSequence = Sequence([referenced])
    for group in (0x6000, 0x601E):
        dataset.add_new((group, 0x0010), "US", 40)
        dataset.add_new((group, 0x3000), "OW", b"\xff" * 8)
    dataset.add_new((0x5000, 0x3000), "OW", b"\x00" * 8)
    return reread(dataset)


@pytest.mark.req("REQ-PX-09")
def test_overlays_curves_and_icons_are_gone_at_every_depth() -> None:
    dataset = dirty()
    before = copy.deepcopy(dataset)

    clean, removed = without_hidden_pictures(dataset)

    assert removed
    assert not [tag for tag in clean if tag.tag.group in {0x5000, 0x6000, 0x601E}]
    assert "IconImageSequence" not in clean
    assert "IconImageSequence" not in clean.ReferencedImageSequence[0]
    assert clean.ReferencedImageSequence[0].ReferencedSOPClassUID == "1.2.3"
    assert clean.PixelData == dataset.PixelData
    assert dataset == before


def test_a_dataset_without_them_is_left_alone() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())

    clean, removed = without_hidden_pictures(dataset)

    assert not removed
    assert clean == dataset


def test_pixels_in_an_unknown_place_withhold_the_instance() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.SourceImageSequence = Sequence([icon()])

    with pytest.raises(UnsupportedObject):
        without_hidden_pictures(reread(dataset))


def test_a_private_sequence_with_pixels_goes_whole() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.private_block(0x0029, "MAKER", create=True).add_new(0x10, "SQ", [icon()])

    clean, removed = without_hidden_pictures(reread(dataset))

    assert removed
    assert not [e for e in clean if e.tag.is_private and e.VR == "SQ"]


def test_text_in_the_original_icon_is_not_in_the_result() -> None:
    marker = bytes(np.arange(1, 9, dtype=np.uint8))
    dataset = dirty()
    dataset.IconImageSequence[0].PixelData = marker

    clean, _ = without_hidden_pictures(dataset)

    assert marker not in clean.to_json().encode()
    assert "IconImageSequence" in dataset
