"""``python -m tests.crash --minutes N``: a long siege; prints its tally, exits 1 on any loss.

``--instances 100000 --each 250`` goes on until so many were acknowledged, in larger rounds.
"""

import argparse
import random
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from tests.crash.archive import Kind
from tests.crash.house import house
from tests.crash.points import MEMORY_LIMIT_BYTES
from tests.crash.siege import EACH, Siege, besiege
from tests.fakes.ray_cluster import RayCluster, ray_cluster

WORKERS = 2
TIME_LIMIT_SECONDS = 15.0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--instances", type=int, default=0, help="how many to be acknowledged")
    parser.add_argument("--each", type=int, default=EACH, help="of each sender in a round")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--archive",
        choices=get_args(Kind),
        default="cstore",
        help="how the archive takes instances",
    )
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="where the models stand; ray starts a cluster on this machine",
    )
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    chosen = parser.parse_args()
    say(f"seed {chosen.seed}")
    with (
        TemporaryDirectory(dir=chosen.folder) as folder,
        ExitStack() as stack,
    ):
        cluster = None
        if chosen.engine == "ray":
            cluster = stack.enter_context(ray_cluster(Path(folder) / "cluster", machines=WORKERS))
        home = stack.enter_context(
            house(
                Path(folder),
                workers=WORKERS,
                time_limit_seconds=TIME_LIMIT_SECONDS,
                archive=chosen.archive,
                engine=None if cluster is None else engine_on(cluster),
            )
        )
        siege = Siege(home, Path(folder), random.Random(chosen.seed), cluster, each=chosen.each)
        tally = besiege(siege, minutes=chosen.minutes, instances=chosen.instances, tell=say)
    say("\n".join(tally.lines()))
    return 0 if tally.is_well else 1


def engine_on(cluster: RayCluster) -> dict[str, Any]:
    """Return the engine of a node whose models stand on `cluster`."""
    return cluster.options(
        actors=WORKERS,
        time_limit_seconds=TIME_LIMIT_SECONDS,
        memory_limit_bytes=MEMORY_LIMIT_BYTES,
    ).model_dump(mode="json")


def say(line: str) -> None:
    """Say it now: a run of hours is looked at while it goes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
