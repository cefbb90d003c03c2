"""From a checkpoint to the files that ship: threshold, export, weights, figures, card.

The threshold comes from validation images alone. The figures of the test images
are taken once, after it is fixed, with the exported file itself.

    python -m deid_node_lab.training.ship --checkpoint FILE --shared DIR --fonts DIR --target DIR
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from deid_node.pixels.text.find.crnn import CrnnFinder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.weights import FINDER
from deid_node_lab.models.export import export_finder
from deid_node_lab.training.backgrounds import Pictures, licences, read_every
from deid_node_lab.training.card import CARD, write_card
from deid_node_lab.training.checkpoints import load_net, save_weights
from deid_node_lab.training.course import last_step
from deid_node_lab.training.examples import Example, rendered, screens, text_free
from deid_node_lab.training.faces import find_faces
from deid_node_lab.training.finder import CURVE, hold_out
from deid_node_lab.training.hard import drawn
from deid_node_lab.training.measure import Figures, judge
from deid_node_lab.training.samples import SampleMaker
from deid_node_lab.training.stamps import Scribe

FIGURES = "finder.json"
WEIGHTS = "finder.npz"
_SCORES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
_RENDERED = 150
_RENDERED_SIDE = 512
_DRAWN = 200
_VALIDATION_SEED, _TEST_SEED = 50_000, 60_000  # far from the drawn pictures that training met

Sets = dict[str, tuple[Example, ...]]


@dataclass(frozen=True, slots=True)
class Shipment:
    """Where a checkpoint comes from and where the file goes.

    `kind` says which weights of the checkpoint: the last when a run ended as planned,
    the averaged ones when it was broken off. `edge_score` is how far boxes reach;
    `forgone` is the share of the lines that the lowest threshold finds in validation
    and the chosen one may leave.
    """

    checkpoint: Path
    shared: Path
    fonts: tuple[Path, ...]
    target: Path
    kind: Literal["averaged", "net"] = "net"
    edge_score: float = 0.2
    forgone: float = 0.005
    threads: int = 2


def ship(shipment: Shipment) -> dict[str, object]:
    """Choose the threshold, write all files of the finder, return the figures.

    Written are ``finder.onnx``, ``finder.npz`` with the weights as torch knows them,
    ``finder.json`` and, where the folder holds a ``MODEL_CARD.md``, its tables.
    """
    net = load_net(shipment.checkpoint, shipment.kind)
    file = shipment.target / FINDER.shipped
    unseen = Scribe(hold_out(find_faces(shipment.fonts))[1])
    validation = example_sets(shipment, "validation", unseen, _VALIDATION_SEED)
    export_finder(net, file, min_score=_SCORES[0], edge_score=shipment.edge_score)
    by_score = _figures(file, validation, _SCORES, shipment.threads)
    found = {score: _items_found(sets) for score, sets in by_score.items()}
    chosen = choose_score(found, shipment.forgone)
    export_finder(net, file, min_score=chosen, edge_score=shipment.edge_score)
    save_weights(net, shipment.target / WEIGHTS)
    report: dict[str, object] = {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
        "weights": sum(one.numel() for one in net.parameters()),
        "min_score": chosen,
        "edge_score": shipment.edge_score,
        "steps": last_step(shipment.checkpoint.parent / CURVE),
        "trained_on": licences(read_every(folders(shipment), "train")),
        "seconds_512": round(_seconds(file, shipment.threads), 3),
        "threads": shipment.threads,
        "validation_by_score": {
            str(score): {name: _told(one) for name, one in sets.items()}
            for score, sets in by_score.items()
        },
        "validation": {name: _told(one) for name, one in by_score[chosen].items()},
        "test": {
            name: _told(one)
            for name, one in _figures(
                file,
                example_sets(shipment, "test", unseen, _TEST_SEED),
                (chosen,),
                shipment.threads,
            )[chosen].items()
        },
    }
    (shipment.target / FIGURES).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if (shipment.target / CARD).exists():
        write_card(shipment.target / CARD, json.loads(json.dumps(report)))
    return report


def example_sets(shipment: Shipment, part: str, unseen: Scribe, seed: int) -> Sets:
    """Return validation or test examples; the test's pictures are those no weight may rest on."""
    pictures = read_every(folders(shipment), "validation" if part == "validation" else "excluded")
    source = Pictures(pictures)
    maker = SampleMaker(pictures, unseen, side=_RENDERED_SIDE, seed=seed)
    return {
        "screens": screens(
            shipment.shared / "burned_in", "validation" if part == "validation" else "test"
        ),
        "text_free": tuple(text_free(pictures)),
        "drawn": tuple(text_free([drawn(source, seed + n) for n in range(_DRAWN)])),
        "rendered": tuple(rendered(maker, _RENDERED)),
    }


def folders(shipment: Shipment) -> tuple[Path, ...]:
    """Return the folders of text-free pictures that are there."""
    both = (shipment.shared / "train", shipment.shared / "train2")
    return tuple(folder for folder in both if folder.exists())


def _figures(
    file: Path, sets: Sets, scores: Sequence[float], threads: int
) -> dict[float, dict[str, Figures]]:
    options = CrnnOptions(model_file=file, min_score=min(scores), device="cpu")
    finder = CrnnFinder(options, threads=threads)
    figures: dict[float, dict[str, Figures]] = {score: {} for score in scores}
    for name, examples in sets.items():
        seen = [finder.find([one.frame])[0] for one in examples]
        for score in scores:
            figures[score][name] = judge(
                (one, [found for found in own if found.score >= score])
                for one, own in zip(examples, seen, strict=True)
            )
    return figures


def _items_found(sets: dict[str, Figures]) -> int:
    return sum(one.items_found for one in sets.values())


def choose_score(found: dict[float, int], forgone: float) -> float:
    """Return the highest score that gives up no more than `forgone` of what the lowest finds."""
    enough = (1 - forgone) * found[min(found)]
    return max(score for score, items in found.items() if items >= enough)


def _told(figures: Figures) -> dict[str, object]:
    return {
        "images": figures.images,
        "items": figures.items,
        "items_found": figures.items_found,
        "recall": round(figures.recall, 4),
        "images_whole": figures.images_whole,
        "images_touched": figures.images_touched,
        "unneeded_area": round(figures.unneeded, 5),
        "by_height": {name: list(pair) for name, pair in sorted(figures.by_height.items())},
        "missed": figures.missed if len(figures.missed) <= 20 else len(figures.missed),
    }


def _seconds(file: Path, threads: int) -> float:
    finder = CrnnFinder(CrnnOptions(model_file=file, device="cpu"), threads=threads)
    frame = np.random.default_rng(0).integers(0, 256, (512, 512), dtype=np.uint8)
    times = []
    for _ in range(15):
        started = time.perf_counter()
        finder.find([frame])
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checkpoint", "shared", "target"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, action="append", required=True)
    parser.add_argument("--kind", choices=("averaged", "net"), default="net")
    parser.add_argument("--forgone", type=float, default=0.005)
    given = vars(parser.parse_args(arguments))
    report = ship(Shipment(**(given | {"fonts": tuple(given["fonts"])})))
    print(json.dumps(report, indent=1))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
