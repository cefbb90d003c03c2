"""``make bench``: the speed of the node, beside its peers, in one run.

``python -m tests.bench [receive|overload|whole|... ...] [--rounds N] [--each N]``
Nothing here passes or fails; see docs/performance.md for how to read the figures.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.alarms import measure_alarms
from tests.bench.blobs import measure_blobs
from tests.bench.cine import measure_cine
from tests.bench.cluster import measure_cluster
from tests.bench.codecs import measure_codecs
from tests.bench.drain import measure_drain
from tests.bench.faces import measure_faces
from tests.bench.fills import measure_fills
from tests.bench.forward import measure_forward
from tests.bench.large import measure_large
from tests.bench.latency import measure_latency
from tests.bench.memory import measure_memory
from tests.bench.metadata import measure_metadata
from tests.bench.overload import measure_overload
from tests.bench.painters import measure_painters
from tests.bench.passes import measure_passes
from tests.bench.receive import measure_receive
from tests.bench.review import measure_review
from tests.bench.runtimes import measure_runtimes
from tests.bench.stow import measure_stow
from tests.bench.stress import measure_stress
from tests.bench.table import print_machine
from tests.bench.whole import measure_whole

MEASUREMENTS = {
    "receive": measure_receive,
    "stow": measure_stow,
    "whole": measure_whole,
    "cluster": measure_cluster,
    "latency": measure_latency,
    "forward": measure_forward,
    "drain": measure_drain,
    "large": measure_large,
    "memory": measure_memory,
    "overload": measure_overload,
    "blobs": measure_blobs,
    "cine": measure_cine,
    "codecs": measure_codecs,
    "metadata": measure_metadata,
    "runtimes": measure_runtimes,
    "fills": measure_fills,
    "painters": measure_painters,
    "alarms": measure_alarms,
    "faces": measure_faces,
    "stress": measure_stress,
    "passes": measure_passes,
    "review": measure_review,
}


def main() -> None:
    """Run the chosen measurements, all of them where none is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("measurement", nargs="*", choices=tuple(MEASUREMENTS))
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--each", type=int, default=100, help="instances of each sender")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    chosen = parser.parse_args()
    for name in chosen.measurement or MEASUREMENTS:
        print(f"\n== {name}")
        print_machine()
        with TemporaryDirectory(dir=chosen.folder) as folder:
            MEASUREMENTS[name](Path(folder), rounds=chosen.rounds, each=chosen.each)
        print_machine()


if __name__ == "__main__":
    main()
