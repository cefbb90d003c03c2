"""Senders into DCMTK's storescp, Orthanc, a bare pynetdicom handler, and our door."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.receivers import AE_TITLE, receiver
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.bench.table import print_rates
from tests.fakes import dcmtk
from tests.fakes.orthanc import orthanc
from tests.fakes.waiting import free_port

SENDERS = 4
_STORESCP, _ORTHANC = "storescp, no fsync", "Orthanc, its defaults"
_BARE, _DOOR = "bare pynetdicom, no disk", "our door, custody on"
_NAMES = (_STORESCP, _ORTHANC, _BARE, _DOOR)


def measure_receive(folder: Path, *, rounds: int, each: int) -> None:
    """Print the rates of four senders, then of one; receivers are new and empty in every round."""
    sources = [folder / f"sender-{number}" for number in range(SENDERS)]
    for number, source in enumerate(sources):
        write_slices(source, each, series=number + 1)
    for senders in (SENDERS, 1):
        rates: dict[str, list[float]] = {name: [] for name in _NAMES}
        for number in range(rounds):
            for kind, name in enumerate(_NAMES):
                place = folder / f"{senders}-{number}-{kind}"
                with _listening(name, place) as port:
                    seconds = send_all(sources[:senders], port, called=AE_TITLE)
                rates[name].append(senders * each / seconds)
        print(f"{senders} senders" if senders > 1 else "one sender")
        print_rates(rates, against=_ORTHANC)


@contextmanager
def _listening(name: str, folder: Path) -> Iterator[int]:
    if name == _ORTHANC:
        with orthanc(folder) as archive:
            yield archive.port
    elif name == _STORESCP:
        port = free_port()
        with dcmtk.storescp(folder, port, ae_title=AE_TITLE):
            yield port
    else:
        with receiver("bare" if name == _BARE else "door", folder) as listening:
            yield listening.port
