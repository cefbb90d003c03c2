"""Four senders at once into Orthanc, a bare pynetdicom handler, and our door."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.receivers import AE_TITLE, receiver
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.bench.table import print_rates
from tests.fakes.orthanc import orthanc

SENDERS = 4
_ORTHANC, _BARE, _DOOR = "Orthanc, its defaults", "bare pynetdicom, no disk", "our door, custody on"


def measure_receive(folder: Path, *, rounds: int, each: int) -> None:
    """Print the rates; every receiver is new and empty in every round."""
    sources = [folder / f"sender-{number}" for number in range(SENDERS)]
    for number, source in enumerate(sources):
        write_slices(source, each, series=number + 1)
    rates: dict[str, list[float]] = {_ORTHANC: [], _BARE: [], _DOOR: []}
    for number in range(rounds):
        for name, measured in rates.items():
            with _listening(name, folder / f"round-{number}-{len(name)}") as port:
                seconds = send_all(sources, port, called=AE_TITLE)
            measured.append(SENDERS * each / seconds)
    print_rates(rates, against=_ORTHANC)


@contextmanager
def _listening(name: str, folder: Path) -> Iterator[int]:
    if name == _ORTHANC:
        with orthanc(folder) as archive:
            yield archive.port
    else:
        with receiver("bare" if name == _BARE else "door", folder) as listening:
            yield listening.port
