"""From a checkpoint to the reader that ships: threshold, export, figures, card.

The threshold comes from validation lines alone, and from what is wrong above it: a
line that is not trusted is masked, a name that is read as a mark stays. The figures of
the test lines are taken once, after it is fixed, with the exported file itself.

    deid-lab export reader --checkpoint FILE --shared DIR --fonts DIR --target DIR
"""

import argparse
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from deid_node.pixels.text.read.base import UNKNOWN
from deid_node.pixels.text.read.crnn import CrnnReader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.pixels.text.weights import READER
from deid_node.values.geometry import Box
from deid_node_lab.models.export_reader import export_reader
from deid_node_lab.training.alphabet import ALPHABET
from deid_node_lab.training.backgrounds import licences, read_backgrounds
from deid_node_lab.training.checkpoints import load_reader
from deid_node_lab.training.course import last_step
from deid_node_lab.training.examples import Part
from deid_node_lab.training.faces import find_faces
from deid_node_lab.training.judging import Judged, error_rate, height_class
from deid_node_lab.training.lines import LineMaker
from deid_node_lab.training.reader import CURVE, parted
from deid_node_lab.training.reader_card import CARD, write_reader_card
from deid_node_lab.training.screen_lines import screen_lines
from deid_node_lab.training.stamps import Scribe

FIGURES = "reader.json"
_CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999)
_SEEDS: Mapping[Part, int] = MappingProxyType({"validation": 5, "test": 6})

Sets = dict[str, tuple[Judged, ...]]


@dataclass(frozen=True, slots=True)
class ReaderShipment:
    """Where a checkpoint comes from and where the files go.

    `kind` says which weights of the checkpoint: the last when a run ended as planned,
    the averaged ones when it was broken off. On validation, at most `most_otherwise` of
    the trusted lines say something else in truth, and at most `most_taken` of all lines
    are taken for one that may stay. `pages` pages are rendered for each part.
    """

    checkpoint: Path
    shared: Path
    fonts: tuple[Path, ...]
    target: Path
    kind: Literal["averaged", "net"] = "net"
    most_otherwise: float = 0.01
    most_taken: float = 0.001
    pages: int = 700
    threads: int = 1


def ship(shipment: ReaderShipment) -> dict[str, object]:
    """Choose the threshold, write all files of the reader, return the figures.

    Written are ``reader.onnx``, ``reader.json``, the curve and, where the folder holds a
    ``READER_CARD.md``, its tables.
    """
    net = load_reader(shipment.checkpoint, shipment.kind)
    file = shipment.target / READER.shipped
    export_reader(net, file, alphabet=ALPHABET, min_confidence=_CONFIDENCES[0])
    validation = _sets(shipment, "validation", _reader(shipment))
    chosen = choose_confidence(
        [one for judged in validation.values() for one in judged],
        most_otherwise=shipment.most_otherwise,
        most_taken=shipment.most_taken,
    )
    export_reader(net, file, alphabet=ALPHABET, min_confidence=chosen)
    reader = _reader(shipment)
    curve = shipment.checkpoint.parent / CURVE
    report: dict[str, object] = {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
        "weights": sum(one.numel() for one in net.parameters()),
        "min_confidence": chosen,
        "letters": len(ALPHABET),
        "steps": last_step(curve),
        "kind": shipment.kind,
        "trained_on": licences(read_backgrounds(shipment.shared / "train", "train")),
        "seconds_line": round(_seconds(reader), 5),
        "threads": shipment.threads,
        "validation_by_confidence": {
            str(one): {name: _trust(judged, one) for name, judged in validation.items()}
            for one in _CONFIDENCES
        },
        "validation": _told(validation, chosen),
        "test": _told(_sets(shipment, "test", reader), chosen),
    }
    (shipment.target / FIGURES).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if curve.exists():
        shutil.copyfile(curve, shipment.target / CURVE)
    if (shipment.target / CARD).exists():
        write_reader_card(shipment.target / CARD, json.loads(json.dumps(report)))
    return report


def choose_confidence(
    judged: Sequence[Judged], *, most_otherwise: float, most_taken: float
) -> float:
    """Return the lowest confidence from which errors are as rare as `ReaderShipment` asks.

    Where no confidence is high enough, the highest that is tried is returned.
    """
    for confidence in _CONFIDENCES:
        trusted = [one for one in judged if one.trusted(confidence)]
        otherwise = sum(one.otherwise for one in trusted)
        taken = sum(one.taken_for_listed for one in trusted)
        if otherwise <= most_otherwise * len(trusted) and taken <= most_taken * len(judged):
            return confidence
    return _CONFIDENCES[-1]


def _reader(shipment: ReaderShipment) -> CrnnReader:
    options = CrnnReaderOptions(model_file=shipment.target / READER.shipped, device="cpu")
    return CrnnReader(options, threads=shipment.threads)


def _sets(shipment: ReaderShipment, part: Part, reader: CrnnReader) -> Sets:
    """Return validation or test lines, read.

    The test's pictures are those that no weight may rest on, its fonts those that
    neither training nor validation saw.
    """
    pictures = read_backgrounds(
        shipment.shared / "train", "validation" if part == "validation" else "excluded"
    )
    _, first, second = parted(find_faces(shipment.fonts))
    scribe = Scribe(first if part == "validation" else second)
    maker = LineMaker(pictures, scribe, seed=_SEEDS[part])
    rendered = tuple(_rendered(maker, shipment.pages, reader))
    return {
        "screens": tuple(_screens(shipment.shared / "burned_in", part, reader)),
        "rendered": tuple(one for one in rendered if one.wanted and UNKNOWN not in one.wanted),
        "unreadable": tuple(one for one in rendered if UNKNOWN in one.wanted),
        "text_free": tuple(one for one in rendered if not one.wanted),
    }


def _rendered(maker: LineMaker, pages: int, reader: CrnnReader) -> Iterator[Judged]:
    for number in range(pages):
        for sample in maker.page(number):
            rows, columns = sample.crop.shape[:2]
            if sample.text == UNKNOWN and rows > columns:
                continue  # most stand on end: the reader turns them, and is right to read them
            (reading,) = reader.read(sample.crop, [Box(0, 0, columns, rows)])
            yield Judged(sample.text, reading, sample.height)


def _screens(folder: Path, part: Part, reader: CrnnReader) -> Iterator[Judged]:
    for line in screen_lines(folder, part):
        (reading,) = reader.read(line.frame, [line.box])
        yield Judged(line.text, reading, float(line.box.bottom - line.box.top))


def _told(sets: Sets, confidence: float) -> dict[str, object]:
    return {
        name: {
            **_trust(judged, confidence),
            "letter_errors": round(error_rate(judged), 4),
            "by_height": {
                height: _trust(some, confidence) for height, some in _by_height(judged).items()
            },
        }
        for name, judged in sets.items()
    }


def _trust(judged: Sequence[Judged], confidence: float) -> dict[str, int]:
    trusted = [one for one in judged if one.trusted(confidence)]
    return {
        "lines": len(judged),
        "right": sum(one.right for one in judged),
        "trusted": len(trusted),
        "trusted_wrong": sum(not one.right for one in trusted),
        "trusted_otherwise": sum(one.otherwise for one in trusted),
        "taken_for_listed": sum(one.taken_for_listed for one in trusted),
    }


def _by_height(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    classes: dict[str, list[Judged]] = {}
    for one in sorted(judged, key=lambda one: one.height):
        classes.setdefault(height_class(one.height), []).append(one)
    return classes


def _seconds(reader: CrnnReader) -> float:
    frame = np.random.default_rng(0).integers(0, 256, (20, 120), dtype=np.uint8)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        reader.read(frame, [Box(0, 0, 120, 20)])
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checkpoint", "shared", "target"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, action="append", required=True)
    parser.add_argument("--kind", choices=("net", "averaged"), default="net")
    given = vars(parser.parse_args(arguments))
    report = ship(ReaderShipment(**(given | {"fonts": tuple(given["fonts"])})))
    print(json.dumps(report, indent=1))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
