"""How well a filled volume is laid over the untouched one again.

It is moved by a known turn and shift first. What a rigid registration leaves of that is
its error, in pixels; the untouched volume, moved likewise, says how much of it is the
registration's own.
"""

from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813  # as all that use it call it
from numpy.typing import NDArray

from deid_node_lab.evaluation.restoration.stack_arms import Slices

_LONGEST_PIXELS: Final = 80
_SHIFT_SHARE: Final = 0.04
_MOST_DEGREES: Final = 5.0
_BINS: Final = 32
_ROUNDS: Final = 40
_SAMPLED_SHARE: Final = 0.25
_BODY_LEVEL: Final = 10


def misplaced_pixels(truth: Slices, made: Slices, *, seed: int) -> float:
    """Return by how many pixels the body of `made` is off, in the mean, once it is laid on `truth`.

    Both are moved in the plane of the slices only: how far slices lie apart is not known.

    Source
    ------
    Mattes et al.: Nonrigid multimodality image registration, SPIE Medical Imaging (2001):
    mutual information; the library's own optimiser follows its gradient.
    """
    shrunk = max(1, round(max(truth.shape[1:]) / _LONGEST_PIXELS))
    fixed, whole = (_image(one, shrunk) for one in (truth, made))
    known = _movement(fixed, seed)
    moving = sitk.Resample(whole, fixed, known, sitk.sitkLinear, 0.0)
    found = _laid(fixed, moving)
    points = _body(truth, shrunk)
    # A point of `truth` lies in `moving` where `known` is undone.
    undone = known.GetInverse()
    apart = [
        np.subtract(found.TransformPoint(point), undone.TransformPoint(point)) for point in points
    ]
    return float(np.hypot(*np.array(apart).T[:2]).mean())


def _image(slices: Slices, shrunk: int) -> sitk.Image:
    image = sitk.GetImageFromArray(slices.astype(np.float32))
    return sitk.BinShrink(image, [shrunk, shrunk, 1]) if shrunk > 1 else image


def _middle(image: sitk.Image) -> tuple[float, ...]:
    half = [(size - 1) / 2 for size in image.GetSize()]
    return tuple(image.TransformContinuousIndexToPhysicalPoint(half))


def _movement(image: sitk.Image, seed: int) -> sitk.Euler3DTransform:
    chance = np.random.default_rng(seed)
    span = [size * step for size, step in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    shift = [*(float(chance.choice((-1, 1))) * _SHIFT_SHARE * one for one in span[:2]), 0.0]
    turn = float(np.deg2rad(chance.uniform(-_MOST_DEGREES, _MOST_DEGREES)))
    movement = sitk.Euler3DTransform()
    movement.SetCenter(_middle(image))
    movement.SetRotation(0.0, 0.0, turn)
    movement.SetTranslation(shift)
    return movement


def _laid(fixed: sitk.Image, moving: sitk.Image) -> sitk.Euler3DTransform:
    start = sitk.Euler3DTransform()
    start.SetCenter(_middle(fixed))
    method = sitk.ImageRegistrationMethod()
    # One thread: sums in another order would end elsewhere.
    method.SetNumberOfWorkUnits(1)
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(sitk.ImageRegistrationMethod.REGULAR)
    method.SetMetricSamplingPercentage(_SAMPLED_SHARE, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=_ROUNDS
    )
    method.SetOptimizerScalesFromPhysicalShift()
    # Turn about the axis of the stack, and shifts within the slice.
    method.SetOptimizerWeights([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(fixed, moving)
    return start


def _body(truth: Slices, shrunk: int) -> NDArray[np.float64]:
    """Return points of the body, ``(x, y, z)``, one of every so many pixels."""
    step = max(1, 8 * shrunk)
    slices, rows, columns = np.nonzero(truth[:, ::step, ::step] > _BODY_LEVEL)
    return np.stack([columns * step, rows * step, slices], axis=1).astype(np.float64)
