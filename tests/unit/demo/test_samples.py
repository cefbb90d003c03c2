from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from deid_node.demo.canary import CANARY
from deid_node.demo.samples import FILES, canary_ct, canary_mr, shipped, with_lines, write_samples
from deid_node.dicom.silence import silenced
from deid_node.errors import InputError


def test_every_sample_is_written_under_a_uid_of_its_own(tmp_path: Path) -> None:
    with silenced():
        samples = write_samples(tmp_path / "scanner")

    assert len(samples) == len(FILES) + 3
    assert len({sample.sop_instance_uid for sample in samples}) == len(samples)
    for sample in samples:
        meta = dcmread(sample.path, stop_before_pixels=True).file_meta
        assert meta.MediaStorageSOPInstanceUID == sample.sop_instance_uid


def test_the_canary_stands_in_header_and_pixels() -> None:
    with silenced():
        for dataset in (canary_ct(CANARY), canary_mr(CANARY)):
            stored = dataset.pixel_array

            assert str(dataset.PatientName) == CANARY.person_name
            assert dataset.PatientBirthDate == CANARY.birth_date
            assert int((stored[:80, :200] == stored.max()).sum()) > 100


def test_the_enlarged_slice_keeps_its_field_of_view() -> None:
    small = dcmread(shipped("CT_small.dcm"))

    large = canary_ct(CANARY)

    assert large.Columns * large.PixelSpacing[0] == pytest.approx(
        small.Columns * small.PixelSpacing[0]
    )


def test_drawing_changes_nothing_but_the_letters() -> None:
    stored = np.arange(60 * 200, dtype=np.int16).reshape(60, 200) - 1000
    before = stored.copy()

    drawn = with_lines(stored, ["AB"], letter_value=20000)

    assert np.array_equal(stored, before)
    assert drawn.dtype == stored.dtype
    assert np.array_equal(drawn[:, 100:], stored[:, 100:])
    assert (drawn[:, :100] != stored[:, :100]).any()


def test_a_file_that_pydicom_does_not_ship_is_named() -> None:
    with pytest.raises(InputError, match=r"no_such_file\.dcm"):
        shipped("no_such_file.dcm")
