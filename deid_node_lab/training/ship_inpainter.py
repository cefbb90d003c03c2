"""From the checkpoints of both stages to the folder that ships: export, hashes, figures, card.

The figures are taken with the exported folder itself, by the painter of the corridor,
on pictures that no stage was shown. How good fills are as the corridor makes them
(levelled, with grain, beside other ways to fill) is what `deid-lab evaluate
restoration` tells; here stands what the network alone can do.

    python -m deid_node_lab.training.ship_inpainter --out DIR --backgrounds DIR --target DIR
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixeldata.arrays import Mask
from deid_node.pixels.fill.folder import Folder, MaskedImage
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.tiles import SIDE_PIXELS, Square
from deid_node_lab.models.export_inpainter import hashes_of, write_folder
from deid_node_lab.models.inpainter import InpainterParts, InpainterShape
from deid_node_lab.training.backgrounds import licences, read_every
from deid_node_lab.training.card import Report, table, write_between_marks
from deid_node_lab.training.course import last_step
from deid_node_lab.training.crops import Crop, CropMaker
from deid_node_lab.training.inpainter_autoencoder import CURVE as AUTOENCODER_CURVE
from deid_node_lab.training.inpainter_options import InpainterTraining
from deid_node_lab.training.inpainter_unet import CURVE as UNET_CURVE
from deid_node_lab.training.inpainter_unet import trained_parts

NAME: Final = "inpainter"
CARD: Final = "INPAINTER_CARD.md"
_STEPS: Final = (1, 2, 4, 8, 16)
_SEED: Final = 4_211
_CURVES: Final = MappingProxyType(
    {AUTOENCODER_CURVE: "inpainter_autoencoder_curve.csv", UNET_CURVE: "inpainter_unet_curve.csv"}
)


@dataclass(frozen=True, slots=True)
class InpainterShipment:
    """Where the checkpoints come from and where the folder goes.

    `start_from` is the folder that the training began with, if any, and `shape` that of
    its networks. `steps` are the denoising steps that the corridor takes: one gives the best
    estimate, more give detail that is likely and further from the truth. `crops` is how
    many held-out crops are measured.
    """

    out: Path
    backgrounds: tuple[Path, ...]
    target: Path
    start_from: Path | None = None
    shape: InpainterShape = field(default_factory=InpainterShape)
    steps: int = 1
    crops: int = 60
    threads: int = 1


def ship(shipment: InpainterShipment) -> dict[str, object]:
    """Write the folder, its card and its figures below `shipment.target`; return the figures."""
    parts = trained_parts(
        InpainterTraining(
            backgrounds=shipment.backgrounds, out=shipment.out,
            start_from=shipment.start_from, shape=shipment.shape,
        )
    )  # fmt: skip
    folder = shipment.target / NAME
    write_folder(parts, folder)
    files = hashes_of(folder)
    report: dict[str, object] = {
        "sha256": files,
        "masked_image": MaskedImage.HARMONIC.value,
        "steps": shipment.steps,
        "bytes": sum((folder / name).stat().st_size for name in files),
        "weights": _weights(parts),
        "trained_steps": {
            "autoencoder": last_step(shipment.out / AUTOENCODER_CURVE),
            "unet": last_step(shipment.out / UNET_CURVE),
        },
        "trained_on": licences(read_every(shipment.backgrounds, "train")),
        "held_out_crops": shipment.crops,
        "held_out": _figures(folder, shipment),
    }
    (shipment.target / f"{NAME}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for name, shipped in _CURVES.items():
        if (shipment.out / name).exists():
            shutil.copyfile(shipment.out / name, shipment.target / shipped)
    if (shipment.target / CARD).exists():
        write_between_marks(shipment.target / CARD, inpainter_tables(report))
    return report


def inpainter_tables(report: Report) -> str:
    """Return the tables of a report of `ship`, as Markdown."""
    facts = [
        *((f"Weights, {part}", f"{count:,}") for part, count in report["weights"].items()),
        ("Bytes, all files (fp16)", f"{report['bytes']:,}"),
        *(
            (f"Steps of training, {part}", f"{count or 0:,}")
            for part, count in report["trained_steps"].items()
        ),
        ("Denoising steps", str(report["steps"])),
    ]
    return "\n".join(
        [
            "",
            *table(("", ""), facts),
            "## Trained on",
            "",
            *table(("Licence of the images", "images"), report["trained_on"].items()),
            f"## On {report['held_out_crops']} held-out crops of 256 x 256, in the hole",
            "",
            *table(
                ("", "PSNR (dB)", "local deviation / truth", "seconds a crop"),
                (
                    (name, f"{one['psnr']:.2f}", f"{one['deviation']:.2f}", f"{one['seconds']:.2f}")
                    for name, one in report["held_out"].items()
                ),
            ),
        ]
    )


def _weights(parts: InpainterParts) -> dict[str, int]:
    nets = {
        "autoencoder": parts.autoencoder,
        "unet": parts.unet,
        "text encoder": parts.text_encoder,
    }
    return {name: sum(weight.numel() for weight in net.parameters()) for name, net in nets.items()}


def _figures(folder: Path, shipment: InpainterShipment) -> dict[str, dict[str, float]]:
    """Return PSNR, deviation and seconds of the first guess and by denoising steps."""
    pictures = read_every(shipment.backgrounds, "validation")
    maker = CropMaker(pictures, side=SIDE_PIXELS, seed=_SEED, vary=False)
    crops = [maker.crop(number) for number in range(shipment.crops)]
    figures = {"first guess": _judged(crops, [crop.around for crop in crops], 0.0)}
    for steps in _STEPS:
        told = Folder(folder, NAME, MaskedImage.HARMONIC, steps, "cpu")
        painter = Painter(told, threads=shipment.threads)
        painter.paint([_square(crops[0])])
        started = time.perf_counter()
        painted = painter.paint([_square(crop) for crop in crops])
        seconds = (time.perf_counter() - started) / len(crops)
        name = "1 step (best estimate)" if steps == 1 else f"{steps} steps"
        figures[name] = _judged(crops, painted, seconds)
    return figures


def _square(crop: Crop) -> Square:
    around = crop.around.astype(np.float32)
    return Square(around, crop.hole, 0, 0, 1, crop.prompt, _SEED)


def _judged(
    crops: Sequence[Crop], fills: Sequence[NDArray[np.number]], seconds: float
) -> dict[str, float]:
    pairs = [
        (crop.truth.astype(np.float64).mean(axis=2), np.asarray(fill, np.float64).mean(axis=2))
        for crop, fill in zip(crops, fills, strict=True)
    ]
    errors = [
        np.square(truth - fill)[crop.hole].mean()
        for crop, (truth, fill) in zip(crops, pairs, strict=True)
    ]
    ratios = [
        _rough(fill, crop.hole) / max(_rough(truth, crop.hole), 0.5)
        for crop, (truth, fill) in zip(crops, pairs, strict=True)
    ]
    psnr = float(np.mean([10 * np.log10(255**2 / max(error, 0.1)) for error in errors]))
    return {
        "psnr": round(psnr, 2),
        "deviation": round(float(np.median(ratios)), 3),
        "seconds": round(seconds, 3),
    }


def _rough(picture: NDArray[np.float64], hole: Mask) -> float:
    """Return how much neighbours differ in the hole, in grey levels."""
    return float(np.abs(np.diff(picture, axis=1))[hole[:, 1:] & hole[:, :-1]].mean())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("out", "target"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, action="append", required=True)
    parser.add_argument("--start-from", type=Path, help="folder that the training began with")
    for name in ("steps", "crops", "threads"):
        parser.add_argument(f"--{name}", type=int)
    given = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    given["backgrounds"] = tuple(given["backgrounds"])
    print(json.dumps(ship(InpainterShipment(**given)), indent=1))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
