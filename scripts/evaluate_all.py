# ruff: noqa: INP001  # a script, not a package
"""Measure all that docs/evaluation.md tells, in one run, and keep the figures.

``python scripts/evaluate_all.py --shared DIR --fonts DIR`` writes
``docs/evaluation.json``, ``docs/alarms.json``, then ``docs/restoration.json``; ``make docs``
makes the page of them. Needs the shared data, the extra ``train`` and ``make peers``.
``--only volumes`` measures that part of the fills anew which tells of volumes, and keeps
the rest. Everything is seeded; on another machine only the seconds differ.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

ROOT: Final = Path(__file__).resolve().parents[1]
_SEED: Final = 2026
_EACH: Final = 40
"""Pictures of one modality at most, so that mammograms do not stand for all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every set and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="the shared data folder")
    parser.add_argument("--fonts", type=Path, action="append", default=[])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "evaluation.json")
    parser.add_argument("--images", type=int, default=60, help="of each set, beside the peers")
    parser.add_argument(
        "--read",
        type=int,
        default=8,
        help="of the screens and of the rendered set, cleaned and read",
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--only", choices=("text", "alarms", "fills", "volumes"), help="one of the reports"
    )
    parser.add_argument("--alarms", type=Path, default=ROOT / "docs" / "alarms.json")
    parser.add_argument("--sheets", type=Path, help="folder for a picture of every false alarm")
    parser.add_argument("--fills", type=Path, default=ROOT / "docs" / "restoration.json")
    parser.add_argument("--pictures", type=int, default=32, help="that fills are measured on")
    parser.add_argument("--volumes", type=int, default=16, help="that fills are measured on")
    parser.add_argument("--pairs", type=int, default=5, help="of texts that are attacked")
    parser.add_argument("--work", type=Path, help="folder that keeps the judging networks")
    chosen = parser.parse_args(arguments)
    if chosen.only not in {"alarms", "volumes"} and not chosen.fonts:
        parser.error("--fonts is needed")
    if chosen.sheets is not None and chosen.sheets.resolve().is_relative_to(ROOT):
        parser.error("sheets of shared images stay outside the repository: name --sheets")
    if chosen.only in {None, "text"}:
        for report in measured(chosen):
            chosen.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if chosen.only in {None, "alarms"}:
        kept = json.loads(chosen.alarms.read_text("utf-8")) if chosen.alarms.is_file() else {}
        runs = kept_runs(kept.get("runs", []), alarms(chosen))
        chosen.alarms.write_text(json.dumps({"runs": runs}, indent=1) + "\n", "utf-8")
    if chosen.only in {None, "fills"}:
        chosen.fills.write_text(json.dumps(restoration(chosen)) + "\n", "utf-8")
    if chosen.only == "volumes":
        kept = json.loads(chosen.fills.read_text("utf-8"))
        chosen.fills.write_text(json.dumps(kept | on_volumes(chosen)) + "\n", "utf-8")
    return 0


def kept_runs(runs: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the first run that was kept, which tells what was before, and the new one."""
    return [run for run in runs[:1] if run["finder"] != new["finder"]] + [new]


def alarms(chosen: argparse.Namespace) -> Mapping[str, Any]:
    """Return what becomes of every text-free image that no training takes, through the cleaner."""
    from contextlib import nullcontext

    import pydicom.data

    from deid_node.dicom.silence import silenced
    from deid_node_lab.evaluation.alarm_sheets import AlarmSheets
    from deid_node_lab.evaluation.alarms import sounded
    from deid_node_lab.evaluation.text_free import specimens

    own, cleaner, name = _own(chosen)
    folders = [chosen.shared / part for part in ("train", "train2", "dicom_zoo")]
    folders.append(Path(pydicom.data.__file__).parent / "test_files")
    _tell("alarms")
    with (
        silenced(),
        nullcontext() if chosen.sheets is None else AlarmSheets(chosen.sheets) as sheets,
    ):
        found = specimens(folders, made=True, seed=_SEED)
        return {"finder": name, **sounded(found, cleaner, own.find, shows=sheets)}


def _own(chosen: argparse.Namespace) -> tuple[Any, Any, str]:
    """Return our arm, its cleaner and the finder's name."""
    from deid_node.pixels.cleaner import PixelCleaner
    from deid_node.pixels.fill.build import build_inpainter, build_painter
    from deid_node.pixels.fill.options import FillPolicy, InpainterOptions
    from deid_node.pixels.text.evidence import evidence_of
    from deid_node.pixels.text.find.build import build_finder
    from deid_node.pixels.text.find.options import CrnnOptions
    from deid_node.pixels.text.read.build import build_reader
    from deid_node.pixels.text.read.options import CrnnReaderOptions
    from deid_node_lab.evaluation.arms import OwnArm

    options = CrnnOptions(device="cpu")
    finder = build_finder(options, threads=chosen.threads)
    painter = build_painter(InpainterOptions(), threads=chosen.threads)
    cleaner = PixelCleaner(
        finder,
        build_inpainter(FillPolicy.AUTO, painter),
        evidence=evidence_of(options),
        reader=build_reader(CrnnReaderOptions(device="cpu")),
    )
    return OwnArm(finder, cleaner), cleaner, finder.name


def restoration(chosen: argparse.Namespace) -> Mapping[str, Any]:
    """Return the report of the fills; its picture shows shared data, and goes nowhere."""
    import torch

    from deid_node.pixels.fill.options import StableDiffusionOptions
    from deid_node.pixels.text.read.build import build_reader
    from deid_node.pixels.text.read.options import CrnnReaderOptions
    from deid_node_lab.evaluation.restoration import run
    from deid_node_lab.evaluation.restoration.legibility import OwnReader, PeerReader
    from deid_node_lab.peers.build import build_peers
    from deid_node_lab.training.faces import find_faces
    from deid_node_lab.training.finder import hold_out

    torch.set_num_threads(chosen.threads)
    own = build_reader(CrnnReaderOptions(device="cpu"), threads=chosen.threads)
    peers, missing = build_peers(threads=chosen.threads)
    for why in missing:
        sys.stderr.write(f"left out: {why}\n")
    with TemporaryDirectory() as nowhere:
        return run.measured(
            chosen.shared,
            hold_out(find_faces(chosen.fonts))[1],
            (OwnReader(own), *(PeerReader(peer) for peer in peers[:1] + peers[2:])),
            StableDiffusionOptions(device="cpu"),
            extent=run.Extent(pictures=chosen.pictures, volumes=chosen.volumes, pairs=chosen.pairs),
            networks=chosen.work or Path(nowhere),
            seed=_SEED,
            threads=chosen.threads,
            tell=_tell,
        ).report


def on_volumes(chosen: argparse.Namespace) -> Mapping[str, Any]:
    """Return that part of the report of the fills which tells of volumes."""
    from deid_node.pixels.fill.options import StableDiffusionOptions
    from deid_node_lab.evaluation.restoration import run

    with TemporaryDirectory() as nowhere:
        return run.measured_on_volumes(
            chosen.shared,
            StableDiffusionOptions(device="cpu"),
            extent=run.Extent(volumes=chosen.volumes),
            networks=chosen.work or Path(nowhere),
            seed=_SEED,
            threads=chosen.threads,
            tell=_tell,
        )


def measured(chosen: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    """Yield the report after each set, so that a run that is cut off leaves what it has."""
    from deid_node_lab.evaluation.arms import PeerArm
    from deid_node_lab.evaluation.privacy import evaluate
    from deid_node_lab.evaluation.text_free import held_out
    from deid_node_lab.peers.build import build_peers
    from deid_node_lab.training.backgrounds import read_backgrounds

    own, _, name = _own(chosen)
    peers, missing = build_peers(threads=chosen.threads)
    for why in missing:
        sys.stderr.write(f"left out: {why}\n")
    arms = [own, *(PeerArm(peer) for peer in peers)]
    # One reader of each make: the first size of a program reads less than the second.
    readers = peers[1:]
    pictures = read_backgrounds(chosen.shared / "train", "excluded")
    few = _sample(pictures, chosen.images)
    free = _sample(
        [one for part in ("train", "train2") for one in held_out(chosen.shared / part)],
        chosen.images,
    )
    report: dict[str, Any] = {
        "finder": name,
        "threads": chosen.threads,
        "left_out": list(missing),
        "sets": {},
    }
    screens = _screens(chosen.shared / "burned_in")
    for name, cases, who, reading in (
        ("screens", screens, arms, chosen.read),
        ("rendered", _rendered(few, chosen.fonts), arms, chosen.read),
        ("text_free", _text_free(free), arms, 0),
        ("rendered_all", _rendered(pictures, chosen.fonts), [own], 0),
        ("text_free_all", _text_free(pictures), [own], 0),
    ):
        _tell(name)
        engines = () if reading == 0 else readers
        report["sets"][name] = evaluate(cases, who, readers=engines, read_limit=reading)
        yield report


def _tell(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def _screens(folder: Path) -> Iterator[Any]:
    """Yield the real screens that no threshold was chosen on: two of three, by name."""
    from deid_node.errors import CleaningError
    from deid_node_lab.evaluation.boxes_file import read_boxes
    from deid_node_lab.evaluation.images import given_cases

    known = read_boxes(folder / "boxes.json")
    test = [name for index, name in enumerate(sorted(known)) if index % 3 != 2]
    for _, one in given_cases(folder, {name: known[name] for name in test}):
        if isinstance(one, CleaningError):
            raise one
        yield one


def _rendered(pictures: Sequence[Any], fonts: Sequence[Path]) -> Iterator[Any]:
    """Yield text in held-out fonts on `pictures`."""
    from deid_node_lab.evaluation.cases import case_of, dataset_of
    from deid_node_lab.evaluation.rendering import ScannerText
    from deid_node_lab.training.faces import find_faces
    from deid_node_lab.training.finder import hold_out

    text = ScannerText(hold_out(find_faces(fonts))[1], seed=_SEED)
    for index, one in enumerate(pictures):
        picture, items = text.render(one.pixels, index)
        yield case_of(dataset_of(picture), items, group=one.modality)


def _text_free(pictures: Sequence[Any]) -> Iterator[Any]:
    from deid_node_lab.evaluation.cases import case_of, dataset_of

    for one in pictures:
        yield case_of(dataset_of(one.pixels), (), group=one.modality)


def _sample(pictures: Sequence[Any], count: int) -> list[Any]:
    """Return `count` pictures in a seeded order, at most `_EACH` of one modality."""
    taken: dict[str, int] = {}
    sample = []
    for index in np.random.default_rng(_SEED).permutation(len(pictures)):
        one = pictures[index]
        taken[one.modality] = taken.get(one.modality, 0) + 1
        if taken[one.modality] <= _EACH and len(sample) < count:
            sample.append(one)
    return sample


if __name__ == "__main__":
    # The package lies beside this folder, installed or not.
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
