"""How much memory the door takes: idle, with 32 associations open, and after bursts."""

from pathlib import Path

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.forward.dimse.association import Archive, open_association
from deid_node.forward.dimse.pdus import Context
from tests.bench.receivers import AE_TITLE, receiver
from tests.bench.senders import send_all
from tests.bench.slices import write_slices
from tests.bench.table import memory_megabytes

ASSOCIATIONS = 32
BURSTS = 4


def measure_memory(folder: Path, *, rounds: int, each: int) -> None:
    """Print the resident memory of the door's process at each step, and its height so far."""
    sources = [folder / f"sender-{number}" for number in range(BURSTS)]
    for number, source in enumerate(sources):
        write_slices(source, 200, series=number + 1)
    with receiver("door", folder / "door") as door:

        def tell(what: str) -> None:
            now, most = memory_megabytes(door.process_id)
            print(f"{what:44} {now:6.0f} MB, at most {most:6.0f} MB")

        tell("idle")
        open_ones = [
            open_association(
                Archive(
                    host="127.0.0.1",
                    port=door.port,
                    called=AE_TITLE,
                    calling="BENCH",
                    timeout_seconds=60,
                    implementation=("1.2.826.0.1.3680043.8.498.1", "BENCH"),
                ),
                [Context(1, str(CTImageStorage), str(ExplicitVRLittleEndian))],
            )
            for _ in range(ASSOCIATIONS)
        ]
        tell(f"{ASSOCIATIONS} associations open")
        for association in open_ones:
            association.release()
        tell("all released")
        for source in sources:
            seconds = send_all([source], door.port, called=AE_TITLE)
            tell(f"a burst of 200 slices ({200 / seconds:.0f} a second)")
