"""Measures every arm on the same holes in the same run, and writes one report of it.

The report holds figures only: no path, no picture, no word that was drawn.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.surround import near
from deid_node.pixels.fill.tones import Shown
from deid_node_lab.evaluation.restoration.arms import ORIGINAL, TELEA, Arm
from deid_node_lab.evaluation.restoration.distortion import (
    local_deviation,
    psnr,
    square_error,
    ssim_map,
)
from deid_node_lab.evaluation.restoration.figures import (
    Values,
    areas_told,
    gain_told,
    mean_told,
    ratio_told,
)
from deid_node_lab.evaluation.restoration.holes import ANATOMY, Hole
from deid_node_lab.evaluation.restoration.networks import StructureNet
from deid_node_lab.evaluation.restoration.realism import (
    feature_distance,
    features_of,
    frechet_distance,
)
from deid_node_lab.evaluation.restoration.schooling import Classifier, cut
from deid_node_lab.evaluation.restoration.tasks import classified, outlined
from deid_node_lab.evaluation.restoration.telling import TELLING_PIXELS, told_apart
from deid_node_lab.evaluation.restoration.views import (
    Spot,
    Viewed,
    masks_at,
    patches_at,
    shown_fills,
    spots_of,
    viewed,
)

RING_PIXELS: Final = 8
"""Width of the ring around a mask in which a seam would show."""

_FRECHET_PIXELS: Final = 64
_FEATURE_PIXELS: Final = 96
_LEAST_HOLES: Final = 4

Fills = Mapping[str, Sequence[Shown]]


class Measured:
    """What every arm left of a set of holes."""

    def __init__(
        self, holes: Sequence[Hole], arms: Sequence[Arm], tell: Callable[[str], None]
    ) -> None:
        self.views = viewed(holes)
        self.fills: dict[str, list[Shown]] = {}
        self.seconds: dict[str, float] = {}
        self.strayed: dict[str, int] = {}
        self._holes = holes
        for arm in arms:
            started = perf_counter()
            attempts = arm.fill(holes)
            self.seconds[arm.name] = (perf_counter() - started) / max(1, len(holes))
            self.strayed[arm.name] = sum(attempt.strayed for attempt in attempts)
            self.fills[arm.name] = shown_fills(holes, attempts)
            tell(f"filled {len(holes)} holes: {arm.name}")

    def spots(self, background: str | None = None) -> tuple[Spot, ...]:
        """Return points under the masks of 8-bit holes, over one background or all."""
        chosen = [
            number
            for number, view in enumerate(self.views)
            if not view.deep and background in {None, view.background}
        ]
        return spots_of(self._holes, chosen)


def distortion_report(measured: Measured, classifier: Classifier | None) -> list[dict[str, Any]]:
    """Return the figures of each arm by background, ground, modality and depth."""
    groups = _groups(measured.views)
    counted = {
        name: _counted(measured.views, fills, classifier) for name, fills in measured.fills.items()
    }
    sources = [view.source for view in measured.views]
    return [
        {
            "name": name,
            "seconds": round(measured.seconds[name], 3),
            "strayed": measured.strayed[name],
            "by": {
                group: _brief(group, _figures(table, counted[TELEA], chosen, sources))
                for group, chosen in groups.items()
            },
        }
        for name, table in counted.items()
    ]


def realism_report(
    measured: Measured,
    classifier: Classifier,
    *,
    seed: int,
    steps: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Return Frechet distance and the area under the curve of telling, over anatomy."""
    spots = measured.spots(ANATOMY)
    if len({measured.views[spot.hole].source for spot in spots}) < _LEAST_HOLES:
        return {"boxes": len(spots), "arms": {}}
    truth = [view.truth for view in measured.views]
    known = features_of(classifier.net, patches_at(truth, spots, _FRECHET_PIXELS))
    masks = masks_at(measured.views, spots, TELLING_PIXELS)
    untouched = patches_at(truth, spots, TELLING_PIXELS)
    sources = [measured.views[spot.hole].source for spot in spots]
    names = [name for name in measured.fills if name != ORIGINAL]
    distances, scores = {}, []
    for name in names:
        fills = measured.fills[name]
        made = features_of(classifier.net, patches_at(fills, spots, _FRECHET_PIXELS))
        distances[name] = float(f"{frechet_distance(known, made):.6g}")
        filled = patches_at(fills, spots, TELLING_PIXELS)
        scores.append(told_apart(untouched, filled, masks, sources, seed=seed, steps=steps))
        tell(f"told apart: {name}")
    areas = areas_told(scores, scores[names.index(TELEA)], sources)
    return {
        "boxes": len(spots),
        "arms": {
            name: {"frechet": distances[name], "area": area, "area_above_telea": above}
            for name, (area, above) in zip(names, areas, strict=True)
        },
    }


def task_report(
    measured: Measured, classifier: Classifier, structure_net: StructureNet
) -> dict[str, Any]:
    """Return what both tasks make of every arm, on holes over any background."""
    spots = measured.spots()
    return {
        "modality": classified(classifier, measured.views, spots, measured.fills, ORIGINAL),
        "structures": outlined(structure_net, measured.views, spots, measured.fills, ORIGINAL),
    }


def curve_report(
    holes: Sequence[Hole], arms: Sequence[tuple[int, Arm]], tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return quality and seconds for each number of denoising steps, on holes over anatomy."""
    chosen = [hole for hole in holes if hole.background == ANATOMY and not hole.picture.deep]
    rows = []
    for steps, arm in arms:
        if chosen:
            # What is loaded on first use is not part of a step.
            arm.fill(chosen[:1])
        measured = Measured(chosen, [arm], tell)
        table = _counted(measured.views, measured.fills[arm.name], None)
        told = _figures(table, table, np.arange(len(chosen)), [v.source for v in measured.views])
        rows.append(
            {
                "steps": steps,
                "seconds": round(measured.seconds[arm.name], 3),
                **{key: told[key] for key in ("mse", "psnr", "ssim", "deviation")},
            }
        )
    return rows


def populations(views: Sequence[Viewed]) -> dict[str, Any]:
    """Return how many holes there are of each kind, and of how many sources."""
    return {
        "holes": len(views),
        "sources": len({view.source for view in views}),
        "by_background": dict(sorted(Counter(view.background for view in views).items())),
        "by_ground": dict(sorted(Counter(view.ground for view in views).items())),
        "by_modality": dict(sorted(Counter(view.modality for view in views).items())),
        "deep": sum(view.deep for view in views),
    }


def _groups(views: Sequence[Viewed]) -> dict[str, NDArray[np.int64]]:
    """Return the holes of each group by its name: those of 8 bits, and the deeper ones."""
    groups: dict[str, list[int]] = {}
    for number, view in enumerate(views):
        names = (
            ("deep",)
            if view.deep
            else (
                "all", view.background, f"ground {view.ground}",
                f"modality {view.modality}, {view.background}",
            )
        )  # fmt: skip
        for name in names:
            groups.setdefault(name, []).append(number)
    return {
        name: np.array(numbers)
        for name, numbers in sorted(groups.items())
        if len(numbers) >= _LEAST_HOLES or " " not in name
    }


def _counted(
    views: Sequence[Viewed], fills: Sequence[Shown], classifier: Classifier | None
) -> dict[str, Values]:
    """Return what is measured at each hole, a number a hole."""
    rows = [_at(view, fill, classifier) for view, fill in zip(views, fills, strict=True)]
    return {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else {}


def _at(view: Viewed, fill: Shown, classifier: Classifier | None) -> dict[str, float]:
    mask = view.mask
    ring = near(mask, RING_PIXELS) & ~mask
    errors, similarity = square_error(view.truth, fill), ssim_map(view.truth, fill)
    beyond = view.frame_pixels - mask.size
    distance = float("nan")
    if classifier is not None:
        distance = feature_distance(classifier.net, *_centred(view, fill))
    return {
        "mse": float(errors[mask].mean()),
        "ssim": float(similarity[mask].mean()),
        "ring_mse": float(errors[ring].mean()) if ring.any() else float("nan"),
        "ring_ssim": float(similarity[ring].mean()) if ring.any() else float("nan"),
        "whole_mse": float(errors.sum() / view.frame_pixels),
        "whole_ssim": float((similarity.sum() + beyond) / view.frame_pixels),
        "deviation": float(np.nanmean(local_deviation(fill, mask))),
        "true_deviation": float(np.nanmean(local_deviation(view.truth, mask))),
        "feature_distance": distance,
    }


def _centred(view: Viewed, fill: Shown) -> tuple[Shown, Shown, Mask]:
    rows, columns = np.nonzero(view.mask)
    row, column = (int(one.min() + one.max()) // 2 for one in (rows, columns))
    truth, made, mask = (
        cut(one, row, column, _FEATURE_PIXELS)
        for one in (view.truth, fill, view.mask.astype(np.float32))
    )
    return truth, made, mask > 0


def _figures(
    table: Mapping[str, Values],
    telea: Mapping[str, Values],
    chosen: NDArray[np.int64],
    sources: Sequence[str],
) -> dict[str, Any]:
    own = [sources[n] for n in chosen]
    at = {key: values[chosen] for key, values in table.items()}
    base = {key: values[chosen] for key, values in telea.items()}
    return {
        "holes": len(chosen),
        "mse": mean_told(at["mse"], own),
        "psnr": _decibels(at["mse"]),
        "ssim": mean_told(at["ssim"], own),
        "ring_mse": mean_told(at["ring_mse"], own),
        "ring_ssim": mean_told(at["ring_ssim"], own),
        "whole_mse": mean_told(at["whole_mse"], own),
        "whole_psnr": _decibels(at["whole_mse"]),
        "whole_ssim": mean_told(at["whole_ssim"], own),
        "feature_distance": mean_told(at["feature_distance"], own),
        "deviation": ratio_told(at["deviation"], at["true_deviation"], own),
        "gain": gain_told(at["mse"], base["mse"], own),
        "ssim_gain": mean_told(at["ssim"] - base["ssim"], own),
    }


def _brief(group: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a group, few of them for one ground or modality."""
    if " " not in group:
        return figures
    return {key: figures[key] for key in ("holes", "mse", "ssim", "deviation", "gain")}


def _decibels(errors: Values) -> float | None:
    mean = float(errors.mean()) if len(errors) else 0.0
    return round(float(psnr(mean)), 3) if mean else None
