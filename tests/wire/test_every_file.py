"""Every file of pydicom and of the shared zoo walks through a real node."""

import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGExtended12Bit

from deid_node.demo.scanner import Sent, send
from deid_node.dicom.silence import silenced
from deid_node.errors import withhold_codes
from deid_node.spool.inventory import Journey
from deid_node.values.state import InstanceState
from tests.builders.samples import COMMENTED
from tests.fakes.programs import program
from tests.wire.conftest import shared_folder
from tests.wire.corpus import Corpus, Parcel, prepare, pydicom_files
from tests.wire.expected import (
    DOUBTED,
    MORE_THAT_READ_AS_TEXT,
    NOT_TAKEN,
    WITHHELD,
    may_read_as_text,
)
from tests.wire.nodes import AE_TITLE, NodeFolder, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("every_file")]

JPEG_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit)
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True)
class Walk:
    """What was sent, what was answered, where everything ended."""

    folder: NodeFolder
    corpus: Corpus
    answers: Mapping[str, Sent]
    journeys: Mapping[str, Journey]
    exit_status: int

    def delivered(self) -> Iterator[tuple[Parcel, Path, Journey]]:
        """Yield each parcel that arrived, with the file that arrived."""
        arrived = {path.stem: path for path in self.folder.archive.rglob("*.dcm")}
        for parcel in self.corpus.parcels:
            journey = self.journeys.get(parcel.sop_instance_uid)
            if journey is not None and journey.clean is not None and not self.conflicts(parcel):
                yield parcel, arrived[journey.clean.sop_instance_uid], journey

    def conflicts(self, parcel: Parcel) -> bool:
        """Return whether the parcel goes under another one's SOP Instance UID."""
        return WITHHELD.get(parcel.name) == "uid_conflict"


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Send all files in a row and wait until each has ended."""
    root = tmp_path_factory.mktemp("every_file")
    zoo = sorted((shared_folder() / "data" / "dicom_zoo").glob("*.dcm"))
    with silenced():
        corpus = prepare([*pydicom_files(), *zoo], root / "sent")
        folder = node_folder(root / "node", work={"engine": {"kind": "local", "processes": 2}})
        with folder.running() as node:
            answers = send([p.path for p in corpus.parcels], port=node.port, called=AE_TITLE)
            taken = [answer for answer in answers if answer.status == 0x0000]
            journeys = folder.wait_until_ended(len(taken))
            exit_status = node.stop()
    assert len(journeys) == len(taken)
    by_uid: dict[str, Journey] = {}
    for journey in journeys:
        by_uid.setdefault(journey.sop_instance_uid, journey)
    return Walk(
        folder,
        corpus,
        {parcel.name: answer for parcel, answer in zip(corpus.parcels, answers, strict=True)},
        by_uid,
        exit_status,
    )


def test_the_corpus_is_what_it_says(walk: Walk) -> None:
    """A corpus that shrank in silence would prove nothing."""
    assert len(walk.corpus.parcels) > 150
    assert walk.exit_status == 0


def test_whatever_names_itself_is_taken(walk: Walk) -> None:
    refused = {name for name, answer in walk.answers.items() if answer.status != 0x0000}

    assert refused - NOT_TAKEN == set()


def test_what_was_sent_was_delivered_or_withheld(walk: Walk) -> None:
    states = [journey.state for journey in walk.folder.journeys()]
    taken = sum(answer.status == 0x0000 for answer in walk.answers.values())
    arrived = len(list(walk.folder.archive.rglob("*.dcm")))

    assert states.count(InstanceState.DELIVERED) == arrived
    assert states.count(InstanceState.DELIVERED) + states.count(InstanceState.WITHHELD) == taken


def test_each_is_withheld_for_the_right_reason(walk: Walk) -> None:
    wrong, doubted = {}, []
    for parcel in walk.corpus.parcels:
        expected = WITHHELD.get(parcel.name)
        if walk.answers[parcel.name].status != 0x0000 or walk.conflicts(parcel):
            continue
        code = walk.journeys[parcel.sop_instance_uid].code
        if code in DOUBTED:
            doubted += [parcel.name] * (not may_read_as_text(parcel.name))
        elif code != expected and not (code is None and may_read_as_text(parcel.name)):
            wrong[parcel.name] = f"{code}, not {expected}"

    assert not wrong
    assert len(doubted) <= MORE_THAT_READ_AS_TEXT, doubted


def test_other_bytes_under_a_known_uid_are_withheld(walk: Walk) -> None:
    sent = [parcel for parcel in walk.corpus.parcels if walk.conflicts(parcel)]
    conflicts = [one for one in walk.folder.journeys() if one.code == "uid_conflict"]

    assert len(conflicts) == len(sent)
    assert {one.sop_instance_uid for one in conflicts} == {one.sop_instance_uid for one in sent}


def test_codes_are_of_the_closed_set(walk: Walk) -> None:
    codes = {one.code for one in walk.folder.journeys() if one.state == InstanceState.WITHHELD}

    assert codes <= set(withhold_codes())
    assert "unexpected" not in codes


def test_where_no_text_was_found_the_pixels_are_the_very_bytes(walk: Walk) -> None:
    changed = []
    with silenced():
        for parcel, arrived, journey in walk.delivered():
            assert journey.clean is not None
            if journey.clean.report.pixels_changed:
                continue
            before, after = dcmread(parcel.path), dcmread(arrived)
            same = all(_raw(before, keyword) == _raw(after, keyword) for keyword in PIXELS)
            if not same and parcel.name in COMMENTED:
                # Comments inside the codestreams are gone, and nothing else is.
                shown, left = _frames(parcel.path), _frames(arrived)
                same = shown is None or (left is not None and np.array_equal(shown, left))
            if not same or after.file_meta.TransferSyntaxUID != parcel.transfer_syntax:
                changed.append(parcel.name)

    assert not changed


def test_outside_the_regions_every_decoded_value_is_the_same(walk: Walk) -> None:
    """Decoded by pydicom's decoders, whose choice of codecs is not ours."""
    strayed, seen = [], 0
    with silenced():
        for parcel, arrived, journey in walk.delivered():
            assert journey.clean is not None
            report = journey.clean.report
            if not report.pixels_changed or not report.regions:
                continue
            before, after = _frames(parcel.path), _frames(arrived)
            if before is None:
                continue
            seen += 1
            if after is None or before.shape != after.shape:
                strayed.append(f"{parcel.name}: shape")
                continue
            outside = np.ones(before.shape[:3], dtype=np.bool_)
            for region in report.regions:
                outside[(region.frame, *region.box.slices)] = False
            if not np.array_equal(before[outside], after[outside]):
                differ = int((before[outside] != after[outside]).sum())
                strayed.append(f"{parcel.name}: {differ} values")

    assert seen > 10
    assert not strayed


@pytest.mark.peer("dciodvfy")
def test_no_delivered_instance_has_an_error_that_the_original_has_not(walk: Walk) -> None:
    pairs = [
        (parcel, arrived)
        for parcel, arrived, _ in walk.delivered()
        # It reads a deflated dataset as if it were plain.
        if parcel.transfer_syntax != DeflatedExplicitVRLittleEndian
        # What should have been withheld is another test's complaint.
        and parcel.name not in WITHHELD
    ]

    def new_errors(pair: tuple[Parcel, Path]) -> Sequence[str]:
        before, after = _errors(pair[0].path), _errors(pair[1])
        # Of an original that it could not read to its end it says nothing more.
        if any("Information Object Not found" in error for error in before):
            return ()
        return [f"{pair[0].name}: {error}" for error in sorted(after - before)]

    with ThreadPoolExecutor(2) as pool:
        new = [error for errors in pool.map(new_errors, pairs) for error in errors]

    assert not new


def test_nothing_of_the_originals_identity_is_in_the_log(walk: Walk) -> None:
    log = walk.folder.log.read_bytes() + walk.folder.errors.encode()
    told = []
    with silenced():
        for parcel in walk.corpus.parcels:
            needles = _identity(parcel)
            told += [parcel.name for needle in needles if needle.encode() in log]

    assert not told


def _identity(parcel: Parcel) -> Iterator[str]:
    values = [parcel.sop_instance_uid]
    # A broken file names nobody.
    with contextlib.suppress(Exception):
        dataset = dcmread(parcel.path, stop_before_pixels=True)
        values += [str(dataset.get(keyword) or "") for keyword in ("PatientName", "PatientID")]
    # A short one stands in any log by chance.
    yield from (value for value in values if len(value) > 5)


def _raw(dataset: Dataset, keyword: str) -> Any:
    return dataset[keyword].value if keyword in dataset else None


def _frames(path: Path) -> NDArray[Any] | None:
    """Return the frames ``(frames, rows, columns[, samples])``, or None where no decoder helps."""
    try:
        dataset = dcmread(path)
        if dataset.file_meta.TransferSyntaxUID in JPEG_LOSSY and dataset.SamplesPerPixel == 3:
            return _jpeg_frames(dataset)
        frames: NDArray[Any] = pixel_array(dataset, raw=True)
    except Exception:  # noqa: BLE001 - the independent decoder knows fewer encodings than we do
        return None
    many = int(dataset.get("NumberOfFrames") or 1) > 1
    return frames if many else frames[None]


def _jpeg_frames(dataset: Dataset) -> NDArray[Any]:
    """Return colour JPEG as RGB: the codestream itself says how its colour is coded."""
    count = int(dataset.get("NumberOfFrames") or 1)
    coded = generate_frames(dataset.PixelData, number_of_frames=count)
    pictures = [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR) for one in coded]
    return np.stack([picture[..., ::-1] for picture in pictures if picture is not None])


def _errors(path: Path) -> set[str]:
    done = subprocess.run(
        [program("dciodvfy"), "-new", str(path)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    # Values differ on purpose; what is complained about must not.
    return {
        re.sub(r"\d+", "#", re.sub(r"<[0-9.]+>", "<value>", line))
        for line in lines
        if line.startswith("Error")
    }
