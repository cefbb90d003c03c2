"""A node with an encrypted spool delivers what one without does, and keeps nothing in the clear.

The study of the canary and a cine that is too large to be held go through two nodes
of the same pseudonym key, to an archive, an archive of one syntax, and a folder.
"""

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped
from deid_node.dicom.bulk import LARGE_BYTES
from deid_node.dicom.silence import silenced
from deid_node.metadata.apply.keys import new_key_file
from deid_node.spool.encryption import MAGIC
from deid_node.spool.inventory import Journey
from tests.fakes import dcmtk
from tests.fakes.waiting import free_port
from tests.wire.canary_study import NAME, marks_in, write_study
from tests.wire.nodes import AE_TITLE, NodeFolder, cstore, node_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer("storescp", "storescu"),
    pytest.mark.xdist_group("encrypted_spool"),
]

DESTINATIONS = ("archive", "implicit", "folder")
PREFIX = b"\x00\x00\x00\x00DICM"
"""Four bytes alone stand in a large encrypted file by chance now and then."""

SPOOL = {"dir": "./spool", "reserve_bytes": 1_000_000, "keep_delivered_seconds": 3600}


@dataclass(frozen=True)
class Passage:
    """What a node was given, made of it, and keeps."""

    folder: NodeFolder
    root: Path
    sent: int
    journeys: Sequence[Journey]
    seen: Sequence[str]

    def delivered(self, destination: str) -> dict[str, str]:
        """Return the sums of what came to `destination`, by SOP Instance UID."""
        paths = [path for path in (self.root / destination).rglob("*") if path.is_file()]
        with silenced():
            return {
                str(dcmread(path).SOPInstanceUID): sha256(path.read_bytes()).hexdigest()
                for path in paths
            }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the study, a compressed slice and a large cine with her name."""
    folder = tmp_path_factory.mktemp("encrypted_source") / "sent"
    with silenced():
        write_study(folder)
        compressed = dcmread(shipped("MR_small_RLE.dcm"))
        give_uid(compressed, generate_uid(prefix=None, entropy_srcs=["rle"]))
        compressed.PatientName = NAME
        compressed.save_as(folder / "compressed.dcm", enforce_file_format=True)
        cine = dcmread(shipped("CT_small.dcm"))
        give_uid(cine, generate_uid(prefix=None, entropy_srcs=["cine"]))
        cine.PatientName = NAME
        cine.Rows = cine.Columns = 2600
        cine.PixelData = np.tile(np.arange(2600, dtype=np.int16), 2600).tobytes()
        assert len(cine.PixelData) > LARGE_BYTES
        cine.save_as(folder / "large.dcm", enforce_file_format=True)
    return folder


@pytest.fixture(scope="module")
def passages(tmp_path_factory: pytest.TempPathFactory, source: Path) -> tuple[Passage, Passage]:
    """Send the same to a node with a spool in the clear and to one with an encrypted spool."""
    root = tmp_path_factory.mktemp("encrypted_wire")
    new_key_file(root / "pseudonym.key")
    encryption = {"encryption": "aes_gcm", "encryption_key_file": "./spool.key"}
    return (
        _passed(root / "plain", source, root / "pseudonym.key", {}),
        _passed(root / "encrypted", source, root / "pseudonym.key", encryption),
    )


def test_the_same_bytes_are_delivered(passages: tuple[Passage, Passage]) -> None:
    plain, encrypted = passages

    for destination in DESTINATIONS:
        delivered = plain.delivered(destination)
        assert len(delivered) == sum(one.code is None for one in plain.journeys) > 3
        assert encrypted.delivered(destination) == delivered


def test_the_journal_says_the_same(passages: tuple[Passage, Passage]) -> None:
    plain, encrypted = (
        [
            (one.sop_instance_uid, one.state, one.code, one.clean and one.clean.blob.sha256)
            for one in passage.journeys
        ]
        for passage in passages
    )

    assert plain == encrypted


def test_no_file_of_a_blob_was_ever_in_the_clear(passages: tuple[Passage, Passage]) -> None:
    plain, encrypted = passages

    assert encrypted.seen == []
    # They were looked at: in the other node each of them tells.
    assert {place.split("/")[0] for place in plain.seen} >= {"received", "clean"}


def test_all_that_is_kept_is_encrypted_what_is_withheld_too(
    passages: tuple[Passage, Passage],
) -> None:
    _, encrypted = passages
    spool = encrypted.folder.root / "spool"

    kept = [path for name in ("received", "clean") for path in (spool / name).iterdir()]

    assert len(kept) == 2 * encrypted.sent - 1
    assert all(path.read_bytes().startswith(MAGIC) for path in kept)
    assert not list((spool / "partial").iterdir())


def test_a_person_can_see_and_release_what_is_withheld(passages: tuple[Passage, Passage]) -> None:
    _, encrypted = passages
    (withheld,) = [one for one in encrypted.journeys if one.code]
    config = ("--config", encrypted.folder.config)

    shown = encrypted.folder.command("withheld", "show", *config, withheld.id)
    released = encrypted.folder.command("withheld", "release", *config, withheld.id)
    with encrypted.folder.running() as node:
        journeys = encrypted.folder.wait_until_ended(encrypted.sent)
        assert node.stop() == 0

    assert shown.returncode == released.returncode == 0
    # It was read anew, with the key, and is still beyond the corridor.
    assert [one.code for one in journeys if one.id == withheld.id] == [withheld.code]


def test_a_node_without_the_key_does_not_start_and_says_why(
    passages: tuple[Passage, Passage],
) -> None:
    _, encrypted = passages
    key, kept = encrypted.folder.root / "spool.key", encrypted.folder.root / "kept.key"
    key.rename(kept)
    serve = ("serve", "--config", encrypted.folder.config)

    missing = encrypted.folder.command(*serve)
    new_key_file(key)
    other = encrypted.folder.command(*serve)
    kept.replace(key)

    assert [missing.returncode, other.returncode] == [2, 2]
    assert "spool.encryption_key_file" in missing.stderr
    assert "spool.key cannot be read" in missing.stderr
    assert "spool.encryption_key_file: the spool holds files of the key" in other.stderr
    assert "Traceback" not in missing.stderr + other.stderr


def _passed(root: Path, source: Path, key: Path, encryption: dict[str, str]) -> Passage:
    ports = {name: free_port() for name in ("archive", "implicit")}
    root.mkdir()
    folder = node_folder(
        root / "node",
        spool=SPOOL | encryption,
        route={
            "rules": [
                {
                    "name": "everything",
                    "when": {"kind": "always"},
                    "then": {
                        "kind": "forward", "treatment": "research",
                        "destinations": list(DESTINATIONS),
                    },
                }
            ]
        },
        forward={
            "destinations": {
                "archive": cstore(ports["archive"]),
                "implicit": cstore(ports["implicit"]),
                "folder": {"kind": "folder", "dir": str(root / "folder")},
            }
        },
    )  # fmt: skip
    shutil.copy(key, folder.root / "pseudonym.key")
    new_key_file(folder.root / "spool.key")
    sent = sorted(source.iterdir())
    with (
        dcmtk.storescp(root / "archive", ports["archive"]),
        dcmtk.storescp(root / "implicit", ports["implicit"], options=("+xi",)),
        folder.running() as node,
        _watched(folder.root / "spool") as seen,
    ):
        for path in sent:
            with silenced():
                syntax = dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
            proposed = "-xr" if syntax.is_encapsulated else "-xe"
            done = dcmtk.run(
                "storescu", proposed, "-aec", AE_TITLE, "127.0.0.1", str(node.port), path
            )
            assert done.returncode == 0, done.stderr
        journeys = folder.wait_until_ended(len(sent))
        assert node.stop() == 0
    return Passage(folder, root, len(sent), journeys, sorted(seen))


@contextmanager
def _watched(spool: Path) -> Iterator[set[str]]:
    """Give the names of the files in which the prefix of DICOM or her name was seen meanwhile."""
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for folder in ("partial", "received", "clean"):
                for path in (spool / folder).iterdir():
                    try:
                        content = path.read_bytes()
                    except FileNotFoundError:
                        continue
                    if PREFIX in content or marks_in(content):
                        seen.add(f"{folder}/{path.name}")
            sleep(0.002)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
