"""What a worker holds, and what there is for all of them."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from deid_node.work.workers import memory
from deid_node.work.workers.memory import machine_bytes

PHYSICAL_BYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_there_is_not_more_than_the_machine_has() -> None:
    assert 100_000_000 < machine_bytes() <= PHYSICAL_BYTES


@pytest.mark.parametrize(
    ("own_group", "limits", "expected"),
    [
        ("0::/a/b", {"memory.max": "max", "a/memory.max": "7000", "a/b/memory.max": "max"}, 7000),
        ("0::/", {"memory.max": "8000"}, 8000),
        ("4:memory:/c\n0::/", {"memory/c/memory.limit_in_bytes": "9000"}, 9000),
        ("3:cpu:/c", {"cpu/c/memory.limit_in_bytes": "9000"}, PHYSICAL_BYTES),
        ("0::/seen/from/outside", {}, PHYSICAL_BYTES),
    ],
    ids=["a service", "a container", "of the first kind", "of something else", "not to be seen"],
)
def test_the_tightest_limit_around_us_counts(
    own_group: str,
    limits: dict[str, str],
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = tmp_path / "own"
    own.write_text(f"{own_group}\n")
    for name, limit in limits.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    monkeypatch.setattr(memory, "_CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_OWN_GROUPS", own)

    assert machine_bytes() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels keep no such account")
def test_a_process_that_may_not_be_dumped_is_read_to_its_end(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import multiprocessing, sys, mmap
        from deid_node.observe.traces import leave_no_core
        from deid_node.work.workers.memory import HeldMemory, be_killed_first, hand_over

        def work(line, file):
            be_killed_first()
            leave_no_core()
            hand_over(line)
            line.recv()
            held = b"m" * 80_000_000
            with open(file, "r+b") as opened:
                mapped = mmap.mmap(opened.fileno(), 0)
                sum(mapped[::4096])
                line.send(len(held))
                line.recv()

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, sys.argv[1]))
            process.start()
            theirs.close()
            memory = HeldMemory(ours)
            before = memory.bytes()
            ours.send("swell")
            ours.recv()
            after = memory.bytes()
            adjusted = open(f"/proc/{process.pid}/oom_score_adj").read().strip()
            ours.send("end")
            process.join()
            print(before > 0, 80_000_000 <= after - before < 110_000_000, memory.bytes(), adjusted)
            memory.close()
    """)
    script, mapped = tmp_path / "node.py", tmp_path / "mapped"
    script.write_text(program)
    mapped.write_bytes(bytes(60_000_000))
    root = Path(__file__).parents[3]

    printed = subprocess.run(
        [sys.executable, str(script), str(mapped)],
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert printed.split() == ["True", "True", "0", "500"]
