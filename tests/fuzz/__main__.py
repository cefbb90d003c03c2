"""``make fuzz``: nonsense to the ports of a node, and damaged files through the corridor.

``python -m tests.fuzz [--minutes N] [--seed S] [--only door|web|files] [--keep FOLDER]`` goes
on for about so many minutes, prints counts by kind, keeps each input that is worth a look,
and ends with 1 where a promise was broken. ``--replay PATH ...`` plays kept inputs again.
What is drawn depends on the seed alone, how much of it on the machine.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from deid_node.dicom.silence import silenced
from tests.fuzz.conversations import Conversation, conversations
from tests.fuzz.corpus import many
from tests.fuzz.drawing import drawn
from tests.fuzz.files import DamagedFile, damaged_files
from tests.fuzz.findings import Findings
from tests.fuzz.siege import besieged
from tests.fuzz.walking import walking
from tests.fuzz.web import WebRequest, WebSiege, web_requests

_CONVERSATIONS: Final = 200
_FILES: Final = 200


def main() -> int:
    """Fuzz as the arguments say and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(_PARTS))
    parser.add_argument("--keep", type=Path, default=Path("fuzz-out"))
    parser.add_argument("--replay", type=Path, nargs="+")
    chosen = parser.parse_args()
    findings = Findings(chosen.keep)
    with TemporaryDirectory() as folder:
        if chosen.replay:
            _replay(Path(folder), findings, chosen.replay)
        else:
            parts = [chosen.only] if chosen.only else list(_PARTS)
            for part in parts:
                seconds = chosen.minutes * 60 / len(parts)
                run = _PARTS[part]
                run(Path(folder) / part, findings, seed=chosen.seed, until=monotonic() + seconds)
    sys.stdout.write(findings.table() + "\n")
    sys.stdout.writelines(f"kept {path}\n" for path in findings.kept)
    return 1 if findings.faults else 0


def _fuzz_door(folder: Path, findings: Findings, *, seed: int, until: float) -> None:
    batch = 0
    with besieged(folder, findings) as siege:
        while monotonic() < until and siege.stands:
            said: list[Conversation] = []
            drawn(conversations(), _CONVERSATIONS, seed=seed * 1_000_000 + batch, take=said.append)
            siege.storm(said)
            batch += 1
    findings.totals.update(siege.totals)


def _fuzz_web(folder: Path, findings: Findings, *, seed: int, until: float) -> None:
    batch = 0
    # The door stands in this process, and its parser would print what is wrong.
    with silenced(), closing(WebSiege(folder, findings)) as siege:
        while monotonic() < until:
            said: list[WebRequest] = []
            drawn(web_requests(), _CONVERSATIONS, seed=seed * 1_000_000 + batch, take=said.append)
            siege.storm(said)
            batch += 1


def _fuzz_files(folder: Path, findings: Findings, *, seed: int, until: float) -> None:
    folder.mkdir()
    batch = 0
    with walking(folder, findings) as walker:
        while monotonic() < until:
            damaged = damaged_files(many())
            drawn(damaged, _FILES, seed=seed * 1_000_000 + batch, take=walker.walk)
            batch += 1


def _replay(folder: Path, findings: Findings, paths: Sequence[Path]) -> None:
    said = [
        Conversation.from_json(line)
        for path in paths
        if path.suffix == ".jsonl"
        for line in path.read_bytes().splitlines()
    ]
    requests = [
        WebRequest(("replay",), path.read_bytes(), closes=True)
        for path in paths
        if path.suffix == ".request"
    ]
    files = [path for path in paths if path.suffix == ".dcm"]
    if said:
        with besieged(folder / "door", findings) as siege:
            siege.storm(said)
    if requests:
        with silenced(), closing(WebSiege(folder / "web", findings)) as web:
            web.storm(requests)
    if files:
        (folder / "files").mkdir()
        with walking(folder / "files", findings) as walker:
            for path in files:
                walker.walk(DamagedFile(path.name, ("replay",), path.read_bytes()))


_PARTS: Final = {"door": _fuzz_door, "web": _fuzz_web, "files": _fuzz_files}


if __name__ == "__main__":
    sys.exit(main())
