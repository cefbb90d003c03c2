"""The node is killed at random moments under load, again and again, on one spool.

``make crash`` does more of it for longer, with other faults beside (`siege`).

``DEID_NODE_CRASH_ROUNDS`` says how often (a few when it is not set), and
``DEID_NODE_CRASH_SEED`` repeats the moments of an earlier run. A round that
fails leaves its seed in the test's output.
"""

import os
import random
import threading
from pathlib import Path
from time import sleep

import pytest

from tests.crash.house import house
from tests.crash.parcels import parcels
from tests.crash.scanner import Scanner

ROUNDS = int(os.environ.get("DEID_NODE_CRASH_ROUNDS", "4"))
SEED = int(os.environ.get("DEID_NODE_CRASH_SEED", random.randrange(10**6)))
LONGEST_SECONDS = 4.0
PER_ROUND = 24
ASSOCIATIONS = 4

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 + 60 * ROUNDS)]


def test_kills_at_random_moments_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    print(f"seed {SEED}, {ROUNDS} rounds")  # noqa: T201 - pytest shows it where the test fails
    acknowledged: set[str] = set()
    with house(tmp_path, workers=2) as home:
        for number in range(ROUNDS):
            home.start()
            # Half of them are new, half were sent in the round before.
            sent = parcels(PER_ROUND, start=number * PER_ROUND // 2)
            scanner = Scanner()
            sending = threading.Thread(
                target=scanner.send,
                args=(sent, home.port),
                kwargs={"associations": ASSOCIATIONS},
            )
            sending.start()
            sleep(draw.uniform(0, LONGEST_SECONDS))
            home.kill()
            sending.join()
            acknowledged |= scanner.acknowledged
        home.start()
        home.wait_until_quiet()
        home.check_all(acknowledged)

        everything = parcels(PER_ROUND + (ROUNDS - 1) * PER_ROUND // 2)
        again = Scanner()
        again.send(everything, home.port, associations=ASSOCIATIONS)
        home.wait_until_quiet()

        assert again.acknowledged == {parcel.sop_instance_uid for parcel in everything}
        home.check_all(again.acknowledged)
        # An instance that was in a worker's hands at three deaths of the node is withheld.
        assert {row.code for row in home.journal()} <= {None, "worker_lost"}
        home.stop()
