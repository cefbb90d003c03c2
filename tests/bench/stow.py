"""The door of STOW-RS beside our door of associations, and its memory for a gigabyte.

Both have custody on. The senders are DCMTK's storescu, and curl with requests that were
written before; a sender of each speaks over one connection.
"""

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.dicom.part10 import spool_header
from tests.bench.receivers import AE_TITLE, receiver
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.bench.table import memory_megabytes, print_rates, processor_seconds
from tests.builders.stow import BOUNDARY, RELATED, body
from tests.fakes.stow_house import answer_on

SENDERS = 4
TOGETHER = (1, 10, 50)
GIGABYTE = 1_000_000_000
_DIMSE = "C-STORE, storescu"
_PATH = "/dicom-web/studies"


def measure_stow(folder: Path, *, rounds: int, each: int) -> None:
    """Print the rates of four senders, then of one, at both doors; then the memory."""
    sources = [folder / f"sender-{number}" for number in range(SENDERS)]
    for number, source in enumerate(sources):
        write_slices(source, each, series=number + 1)
    names = {f"STOW-RS, {together} a request": together for together in TOGETHER}
    requests = {
        name: [_written(source, folder / f"{source.name}-{together}", together)
               for source in sources]
        for name, together in names.items()
    }  # fmt: skip
    for senders in (SENDERS, 1):
        rates: dict[str, list[float]] = {_DIMSE: [], **{name: [] for name in names}}
        costs: dict[str, list[float]] = {_DIMSE: [], **{name: [] for name in names}}
        for number in range(rounds):
            for kind, name in enumerate(rates):
                place = folder / f"{senders}-{number}-{kind}"
                with receiver("door" if name == _DIMSE else "stow", place) as door:
                    if name == _DIMSE:
                        seconds = send_all(sources[:senders], door.port, called=AE_TITLE)
                    else:
                        seconds = _post_all(requests[name][:senders], door.port)
                    taken = len(list((place / "spool" / "received").iterdir()))
                    assert taken == senders * each, taken
                    cost = processor_seconds(door.process_id)
                rates[name].append(senders * each / seconds)
                costs[name].append(1000 * cost / (senders * each))
        print(f"{senders} senders" if senders > 1 else "one sender")
        print_rates(rates, against=_DIMSE)
        print_rates(costs, against=_DIMSE, unit="ms of processor an instance")
    _measure_memory(folder / "large")


def _measure_memory(folder: Path) -> None:
    with receiver("stow", folder) as door:
        idle, _ = memory_megabytes(door.process_id)
        started = perf_counter()
        _send_large(door.port)
        seconds = perf_counter() - started
        now, most = memory_megabytes(door.process_id)
        print(f"one instance of 1 GB: {seconds:.1f} s, {1000 / seconds:.0f} MB a second")
        print(f"memory: idle {idle:.0f} MB, at most {most:.0f} MB, afterwards {now:.0f} MB")


def _send_large(port: int) -> None:
    header = spool_header(
        sop_class_uid=CTImageStorage,
        sop_instance_uid="1.2.3.4",
        transfer_syntax=ExplicitVRLittleEndian,
    )
    dataset = (
        b"\x08\x00\x16\x00UI\x1a\x00" + CTImageStorage.encode() + b"\0"
        b"\x08\x00\x18\x00UI\x08\x001.2.3.4\0"
        b"\xe0\x7f\x10\x00OW\0\0" + GIGABYTE.to_bytes(4, "little")
    )
    begin, _, end = body([header + dataset + b"|"]).partition(b"|")
    length = len(begin) + GIGABYTE + len(end)
    head = (
        f"POST {_PATH} HTTP/1.1\r\nHost: node\r\nContent-Type: {RELATED}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()
    piece = bytes(1_000_000)
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(head + begin)
        for _ in range(GIGABYTE // len(piece)):
            connection.sendall(piece)
        connection.sendall(end)
        answer = answer_on(connection)
    assert answer.stored == ["1.2.3.4"], answer


def _written(source: Path, folder: Path, together: int) -> list[Path]:
    """Write the bodies of requests with so many files of `source` each."""
    folder.mkdir()
    files = sorted(source.iterdir())
    paths = []
    for at in range(0, len(files), together):
        path = folder / f"{at:05}.request"
        path.write_bytes(body([one.read_bytes() for one in files[at : at + together]]))
        paths.append(path)
    return paths


def _post_all(senders: Sequence[Sequence[Path]], port: int) -> float:
    """Post every body, one curl a sender, all at once; return the seconds it took."""
    url = f"http://127.0.0.1:{port}{_PATH}"
    kind = f'Content-Type: multipart/related; type=\\"application/dicom\\"; boundary={BOUNDARY}'
    for paths in senders:
        # One connection for all of them, each streamed from its file.
        entries = [
            f'url = "{url}"\nrequest = POST\nupload-file = "{path}"\nheader = "{kind}"\n'
            'header = "Expect:"\nfail\noutput = /dev/null\n'
            for path in paths
        ]
        paths[0].with_suffix(".curl").write_text("next\n".join(entries))
    started = perf_counter()
    processes = [
        subprocess.Popen(["curl", "-sS", "-K", str(paths[0].with_suffix(".curl"))])
        for paths in senders
    ]
    for process in processes:
        assert process.wait() == 0
    return perf_counter() - started
