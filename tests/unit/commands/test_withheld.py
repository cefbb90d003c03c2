"""``deid-node withheld``: one or many, by id, by how an id begins, or by filters."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.dsutils import encode

from deid_node.cli import main
from deid_node.dicom import part10
from deid_node.metadata.apply.keys import new_key_file, read_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Decisions, Verb
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import BlobFiles
from deid_node.spool.options import SpoolOptions
from deid_node.values.geometry import Box, DoubtedRegion
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Withheld
from tests.builders.custody import Spool
from tests.builders.values import an_arrival

CT = dcmread(str(get_testdata_file("CT_small.dcm")))
STUDY = str(CT.StudyInstanceUID)
BOX = DoubtedRegion(0, Box(10, 20, 60, 40), 0.6, "crnn")


@dataclass
class House:
    """A spool of a node that does not run, and the command beside it."""

    folder: Path
    ids: Sequence[InstanceId]

    def run(self, *arguments: str) -> int:
        return main(["withheld", *arguments, "--config", str(self.folder / "node.yaml")])

    def opened(self) -> Custody:
        custody = Custody(_options(self.folder), exclusive=True, files=_files(self.folder))
        custody.open()
        return custody

    def states(self) -> list[str]:
        custody = self.opened()
        try:
            return [
                str(row["state"])
                for row in custody.read("SELECT state FROM instances ORDER BY sequence")
            ]
        finally:
            custody.close()

    def decisions(self) -> list[tuple[Verb, InstanceId]]:
        custody = self.opened()
        try:
            return [(one.verb, one.instance) for one in Decisions(custody).untold()]
        finally:
            custody.close()


def _options(folder: Path) -> SpoolOptions:
    return SpoolOptions(dir=folder / "spool", reserve_bytes=0)


def _files(folder: Path) -> BlobFiles:
    return BlobFiles(SpoolKey(read_key_file(folder / "spool.key")), encrypts=True)


def _received() -> bytes:
    """Return the file as the door writes it: a header of its own, then what was sent."""
    header = part10.spool_header(
        sop_class_uid=str(CT.SOPClassUID),
        sop_instance_uid=str(CT.SOPInstanceUID),
        transfer_syntax=ExplicitVRLittleEndian,
    )
    content = encode(CT, False, True)
    assert content is not None
    return header + content


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Four withheld instances in an encrypted spool: two for text, by one peer each."""
    new_key_file(tmp_path / "pseudonym.key")
    new_key_file(tmp_path / "spool.key")
    (tmp_path / "node.yaml").write_text(
        "spool: {dir: ./spool, reserve_bytes: 0, encryption: aes_gcm,"
        " encryption_key_file: ./spool.key}\n"
    )
    custody = Custody(_options(tmp_path), exclusive=True, files=_files(tmp_path))
    custody.open()
    spool = Spool(custody)
    ids = []
    for number, (code, seen) in enumerate(
        [("text_uncertain", (BOX,)), ("no_rule", ()), ("text_uncertain", (BOX,)), ("no_rule", ())]
    ):
        arrival = an_arrival(f"1.2.{number}")
        order = spool.claim(spool.accept(arrival, [_received()]).instance.id)
        assert isinstance(order, WorkOrder)
        spool.record(order, Withheld(code, "a reason", f"rule-{number}", seen))
        ids.append(order.id)
    custody.close()
    return House(tmp_path, ids)


def listed(house: House, out: Callable[[], str], *filters: str) -> list[str]:
    assert house.run("list", "--format", "json", *filters) == 0
    return [json.loads(line)["id"] for line in out().splitlines()]


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().out


def test_filters_narrow_what_is_listed(house: House, out: Callable[[], str]) -> None:
    first, second, third, fourth = house.ids
    new = Pseudonyms(read_key_file(house.folder / "pseudonym.key")).uid(STUDY)

    assert listed(house, out) == [first, second, third, fourth]
    assert listed(house, out, "--code", "no_rule") == [second, fourth]
    assert listed(house, out, "--rule", "rule-0", "--rule", "rule-3") == [first, fourth]
    assert listed(house, out, "--code", "no_rule", "--rule", "rule-0") == []
    assert listed(house, out, "--peer", "nobody") == []
    assert listed(house, out, "--study", STUDY) == [first, second, third, fourth]
    assert listed(house, out, "--study", new) == [first, second, third, fourth]
    assert listed(house, out, "--study", "1.2.3") == []
    assert listed(house, out, "--since", "1h") == [first, second, third, fourth]
    assert listed(house, out, "--since", "2999-01-01") == []


def test_many_are_released_or_discarded_at_once(house: House, out: Callable[[], str]) -> None:
    assert house.run("release", "--code", "text_uncertain") == 0
    assert out().startswith("2 released")
    assert house.run("discard", house.ids[1], house.ids[3]) == 0
    assert out().startswith("2 discarded")

    assert house.states() == ["received", "discarded", "received", "discarded"]
    assert [verb for verb, _ in house.decisions()] == [Verb.RELEASE] * 2 + [Verb.DISCARD] * 2


def test_an_id_is_known_by_how_it_alone_begins(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = next(
        one[:length]
        for one in house.ids
        for length in range(1, 16)
        if sum(other.startswith(one[:length]) for other in house.ids) == 1
    )

    assert house.run("show", alone) == 0
    assert json.loads(capsys.readouterr().out)["id"].startswith(alone)
    assert house.run("show", "") == 2
    assert house.run("show", "zz") == 2
    assert "no withheld instance of that id" in capsys.readouterr().err


def test_more_than_one_of_a_beginning_is_refused(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    custody = house.opened()
    custody.write(
        lambda transaction: [
            transaction.connection.execute(
                "UPDATE instances SET id = ? WHERE id = ?", (f"aaaa{one[4:]}", one)
            )
            for one in house.ids[:2]
        ]
    )
    custody.close()

    assert house.run("discard", "aaaa") == 2

    assert "more than one id begins with aaaa" in capsys.readouterr().err
    assert house.states() == ["withheld"] * 4


@pytest.mark.parametrize("verb", ["release", "discard"])
def test_nothing_is_done_to_all_of_them_by_saying_nothing(
    house: House, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert house.run(verb) == 2

    assert "say which" in capsys.readouterr().err
    assert house.states() == ["withheld"] * 4


def test_a_copy_has_the_bytes_as_received_under_encryption_too(
    house: House, tmp_path: Path, out: Callable[[], str]
) -> None:
    target = tmp_path / "copies"

    assert house.run("export", house.ids[0], house.ids[1], "--to", str(target)) == 0

    copies = sorted(target.iterdir())
    assert [path.name for path in copies] == sorted(f"{one}.dcm" for one in house.ids[:2])
    assert all(path.read_bytes() == _received() for path in copies)
    assert {path.stat().st_mode & 0o777 for path in copies} == {0o600}
    assert target.stat().st_mode & 0o777 == 0o700
    assert [verb for verb, _ in house.decisions()] == [Verb.EXPORT] * 2
    assert house.states() == ["withheld"] * 4
    assert out().startswith("2 copied")


def test_a_copy_that_is_there_is_not_written_over(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "copies"
    target.mkdir()
    (target / f"{house.ids[0]}.dcm").write_text("mine")

    assert house.run("export", house.ids[0], house.ids[1], "--to", str(target)) == 3

    assert (target / f"{house.ids[0]}.dcm").read_text() == "mine"
    captured = capsys.readouterr()
    assert captured.out.startswith("1 copied")
    assert f"{house.ids[0]}: is there already" in captured.err


def test_a_picture_shows_the_boxes(house: House, tmp_path: Path) -> None:
    target = tmp_path / "pictures"

    assert house.run("picture", "--code", "text_uncertain", "--to", str(target)) == 0

    pictures = sorted(target.iterdir())
    assert [path.name for path in pictures] == sorted(
        f"{one}-1.png" for one in (house.ids[0], house.ids[2])
    )
    picture = cv2.imread(str(pictures[0]))
    assert picture is not None
    assert picture.shape == (128, 128, 3)
    blue, green, red = picture[BOX.box.top - 1, BOX.box.left - 1].tolist()
    assert (red, green, blue) == (255, 64, 64)
    assert {path.stat().st_mode & 0o777 for path in pictures} == {0o600}


def test_a_thousand_take_one_transaction(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    write = Custody.write

    def counted(custody: Custody, *arguments: object, **named: object) -> object:
        writes.append(1)
        return write(custody, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Custody, "write", counted)
    assert house.run("discard", "--since", "1h") == 0

    assert len(writes) == 1
