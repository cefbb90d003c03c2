"""Volumes made by code: a limb with bone and marrow, as a CT and as an MR would show it."""

import numpy as np

from deid_node_lab.evaluation.restoration.volumes import Volume

COUNT, ROWS, COLUMNS = 8, 96, 120
CENTRE = (48, 60)
MUSCLE_PIXELS, FAT_PIXELS, BONE_PIXELS, MARROW_PIXELS = 30, 38, 12, 7
SOFT = (-160.0, 240.0)


def radius() -> np.ndarray:
    """Return how far each pixel lies from the axis of the limb."""
    rows, columns = np.ogrid[:ROWS, :COLUMNS]
    return np.asarray(np.hypot(rows - CENTRE[0], columns - CENTRE[1]))


def units(*, seed: int = 1) -> np.ndarray:
    """Return Hounsfield units: air, fat, muscle, bone, marrow; and a thin table below."""
    far = radius()
    slice_ = np.full((ROWS, COLUMNS), -1000.0)
    for reach, value in (
        (FAT_PIXELS, -100.0), (MUSCLE_PIXELS, 60.0), (BONE_PIXELS, 700.0), (MARROW_PIXELS, -60.0),
    ):  # fmt: skip
        slice_[far < reach] = value
    slice_[ROWS - 4 : ROWS - 2] = 60.0
    noise = np.random.default_rng(seed).normal(0, 10, (COUNT, ROWS, COLUMNS))
    return np.asarray(slice_ + noise)


def ct(
    *, seed: int = 1, source: str = "made|ct", ends: tuple[float, float] | None = SOFT
) -> Volume:
    """Return a CT in the window `ends`; without them nobody knows what its levels mean."""
    low, high = ends or SOFT
    levels = np.clip((units(seed=seed) - low) / (high - low), 0, 1) * 255
    return Volume(source, "CT", np.rint(levels).astype(np.uint8), "limb", ends)


def mr(*, seed: int = 1, source: str = "made|mr") -> Volume:
    """Return an MR: fat and marrow bright, muscle grey, bone and air dark."""
    far = radius()
    slice_ = np.zeros((ROWS, COLUMNS))
    for reach, value in (
        (FAT_PIXELS, 220.0), (MUSCLE_PIXELS, 100.0), (BONE_PIXELS, 8.0), (MARROW_PIXELS, 220.0),
    ):  # fmt: skip
        slice_[far < reach] = value
    noise = np.random.default_rng(seed).normal(0, 4, (COUNT, ROWS, COLUMNS))
    return Volume(source, "MR", np.clip(np.rint(slice_ + noise), 0, 255).astype(np.uint8), "limb")
