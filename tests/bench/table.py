"""Figures as a table, and what the machine was doing meanwhile."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median


def print_machine() -> None:
    """Print what runs the measurement, in general words, and how busy it is."""
    cores = len(os.sched_getaffinity(0))
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"Python {platform.python_version()}, {cores} cores, load {loads} (1, 5, 15 minutes)")


def print_rates(
    rates: Mapping[str, Sequence[float]], *, against: str, unit: str = "instances a second"
) -> None:
    """Print each round's rate in `unit`, the medians, and their ratio to one of them."""
    width = max(len(unit), *map(len, rates))
    base = median(rates[against])
    print(f"{unit:{width}}  rounds, then median and ratio to {against}")
    for name, rounds in rates.items():
        each = " ".join(f"{rate:6.0f}" for rate in rounds)
        print(f"{name:{width}}  {each}   {median(rounds):6.0f}   {median(rounds) / base:5.2f}")


def memory_megabytes(process_id: int) -> tuple[float, float]:
    """Return the resident memory of a process, now and at its height."""
    fields = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines()
        if ":" in line
    )
    now, most = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def processor_seconds(process_id: int) -> float:
    """Return the processor time that a process has taken so far, user's and kernel's."""
    stat = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii", errors="replace")
    user, kernel = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(kernel)) / os.sysconf("SC_CLK_TCK")


def children_of(process_id: int) -> list[int]:
    """Return the processes that a process has started and that live."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text(encoding="ascii").split()]
