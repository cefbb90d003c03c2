"""Two anatomies of a volume by a stated rule, where no person drew any.

On a CT of a known window: lean tissue and bone with its marrow, by Hounsfield units. On an
MR, whose values mean nothing by themselves: darker and brighter tissue, by two thresholds
of the whole volume. A network learns the rule from pictures whose shades were changed, so
that it has to look at more than one pixel to follow it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813  # as all that use it call it
from numpy.typing import NDArray

from deid_node_lab.evaluation.restoration.structures import two_thresholds
from deid_node_lab.evaluation.restoration.volumes import Volume

ANATOMIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"CT": ("lean tissue", "bone"), "MR": ("darker tissue", "brighter tissue")}
)
"""What labels 1 and 2 are, by modality; 0 is all else."""

LABELS: Final = 3

_BODY_HU: Final = -150.0
_LEAN_HU: Final = (-29.0, 150.0)
_BONE_HU: Final = 200.0
_SMOOTH_SIGMA: Final = 1.0
_OPENED_PIXELS: Final = 2
_LEAST_BODY_SHARE: Final = 0.01
_LEAST_PART_VOXELS: Final = 20

Labels = NDArray[np.uint8]


def labels_of(volume: Volume) -> Labels | None:
    """Return 0, 1 or 2 for each voxel; None where the rule cannot say.

    Source
    ------
    Aubrey et al.: Measurement of skeletal muscle radiation attenuation and basis of its
    biological variation, Acta Physiologica 210 (2014): -29 to 150 Hounsfield units.
    """
    if volume.modality == "MR":
        return _by_thresholds(volume.slices)
    if volume.modality == "CT" and volume.ends is not None:
        low, high = volume.ends
        if low <= _BODY_HU and high >= _BONE_HU:
            return _by_units(volume.slices, low, high)
    return None


def _by_units(slices: NDArray[np.uint8], low: float, high: float) -> Labels:
    units = _calmed(slices) * np.float32((high - low) / 255) + np.float32(low)
    body = _filled(_body(units > _BODY_HU))
    least, most = _LEAN_HU
    lean = _parts(body & (units >= least) & (units < most), _LEAST_PART_VOXELS)
    bone = _filled(_parts(body & (units >= _BONE_HU), _LEAST_PART_VOXELS)) & body
    labels = lean.astype(np.uint8)
    labels[bone] = 2
    return labels


def _by_thresholds(slices: NDArray[np.uint8]) -> Labels:
    smooth = _smoothed(slices)
    low, high = two_thresholds(smooth)
    body = _body(smooth > low)
    labels = body.astype(np.uint8)
    labels[body & (smooth > high)] = 2
    return labels


def _calmed(slices: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the slices without specks, edges where they were."""
    calm = sitk.Median(sitk.GetImageFromArray(slices), [1, 1, 0])
    return np.asarray(sitk.GetArrayFromImage(calm), np.float32)


def _smoothed(slices: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the slices smoothed, each for itself: how far apart they lie is not known."""
    image = sitk.GetImageFromArray(slices.astype(np.float32))
    smooth = sitk.DiscreteGaussian(image, [_SMOOTH_SIGMA**2, _SMOOTH_SIGMA**2, 0.0])
    return np.asarray(sitk.GetArrayFromImage(smooth), np.float32)


def _body(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the large parts of `mask` without what is thin: tables, sheets, noise."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    opened = sitk.BinaryMorphologicalOpening(image, [_OPENED_PIXELS, _OPENED_PIXELS, 0])
    return _parts(
        np.asarray(sitk.GetArrayFromImage(opened)) > 0, max(1, int(_LEAST_BODY_SHARE * mask.size))
    )


def _parts(mask: NDArray[np.bool_], least_voxels: int) -> NDArray[np.bool_]:
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)))
    kept = sitk.RelabelComponent(parts, minimumObjectSize=least_voxels)
    return np.asarray(sitk.GetArrayFromImage(kept) > 0)


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `mask` with the holes of each slice closed: marrow is of the bone, air of the body."""
    closed = [
        sitk.GetArrayFromImage(sitk.BinaryFillhole(sitk.GetImageFromArray(one.astype(np.uint8))))
        for one in mask
    ]
    return np.stack(closed) > 0
