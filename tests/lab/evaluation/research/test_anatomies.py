"""The rule finds what was put into a volume, and says where it cannot."""

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="the research extra is not installed")
pytest.importorskip("torch", reason="torch is not installed here")

from deid_node_lab.evaluation.research.anatomies import labels_of
from deid_node_lab.evaluation.restoration.volumes import Volume
from tests.lab.evaluation.research.volumes import (
    BONE_PIXELS,
    FAT_PIXELS,
    MUSCLE_PIXELS,
    ct,
    mr,
    radius,
)


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    return float(2 * (one & two).sum() / (one.sum() + two.sum()))


@pytest.mark.parametrize("ends", [(-160.0, 240.0), (-500.0, 1500.0)], ids=["soft", "bone"])
def test_a_ct_gives_lean_tissue_and_bone_with_its_marrow(ends: tuple[float, float]) -> None:
    labels = labels_of(ct(ends=ends))

    assert labels is not None
    far = np.broadcast_to(radius(), labels.shape)
    assert overlap(labels == 2, far < BONE_PIXELS) > 0.95
    assert overlap(labels == 1, (far >= BONE_PIXELS) & (far < MUSCLE_PIXELS)) > 0.93


def test_the_table_below_a_patient_is_no_tissue() -> None:
    labels = labels_of(ct())

    assert labels is not None
    assert not labels[:, -5:].any()


def test_an_mr_gives_darker_and_brighter_tissue() -> None:
    labels = labels_of(mr())

    assert labels is not None
    far = np.broadcast_to(radius(), labels.shape)
    assert overlap(labels == 1, (far >= BONE_PIXELS) & (far < MUSCLE_PIXELS)) > 0.9
    assert overlap(labels == 2, (far >= MUSCLE_PIXELS) & (far < FAT_PIXELS)) > 0.8


@pytest.mark.parametrize(
    "unknown",
    [ct(ends=None), ct(ends=(0.0, 80.0)), Volume("made", "PT", mr().slices)],
    ids=["no window", "a narrow window", "another modality"],
)
def test_a_volume_whose_levels_say_nothing_has_no_labels(unknown: Volume) -> None:
    assert labels_of(unknown) is None
