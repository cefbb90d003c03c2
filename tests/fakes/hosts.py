"""Hosts with addresses of their own on this machine, and processes confined as containers are.

A host is a network namespace on a switch that leads nowhere else. What runs confined on it sees
a root of its own that is read-only, writes to tmpfs alone, has the user of the images and no
right, and sees no process but its own. Only root can make such hosts.
"""

import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import pytest

from tests.fakes.programs import require

USER: Final = 10001
"""Who runs in the images."""

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Step:
    """What is run, and what it sees: `mounts` are options of tmpfs by their places."""

    command: Sequence[str]
    environment: Mapping[str, str]
    mounts: Mapping[str, str] = field(default_factory=dict)
    """Options of tmpfs by the places of it; what stands there is seen by all steps."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Folders of ours by the places where they are shown, read-only, to this step alone."""


class Host:
    """One of them; `name` is its namespace."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    def run(self, *command: str, seconds: float = 300) -> "subprocess.CompletedProcess[bytes]":
        """Run `command` on this host as ourselves, to its end."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command],
            capture_output=True,
            check=False,
            timeout=seconds,
        )

    def start(
        self, *steps: Step, names: Mapping[str, str], log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        """Start `steps`, confined, one after the other; kill it, and all of them are gone.

        `names` are addresses by the names that they shall have there.
        """
        return subprocess.Popen(
            [
                "ip", "netns", "exec", self.name,
                "unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                "--kill-child", "sh", "-ec", "\n".join(_script(steps, names)),
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


@contextmanager
def hosts(*addresses: str) -> Iterator[list[Host]]:
    """Return hosts with `addresses` of one network of 256, for the length of a block."""
    require("ip", "unshare", "setpriv")
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "true"], capture_output=True, check=False
    )
    if tried.returncode and os.environ.get("CI") != "true":
        pytest.skip("needs the right to make hosts: namespaces of network and mounts")
    mark = f"dn{secrets.token_hex(3)}"
    switch = f"{mark}s"
    made = [Host(f"{mark}{number}", address) for number, address in enumerate(addresses)]
    try:
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "switch", "up", "type", "bridge")
        for host in made:
            _ip("netns", "add", host.name)
            _ip("link", "add", "wire", "netns", host.name, "type", "veth",
                "peer", "name", host.name, "netns", switch)  # fmt: skip
            _ip("-n", switch, "link", "set", host.name, "master", "switch", "up")
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "wire")
            _ip("-n", host.name, "link", "set", "wire", "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
        yield made
    finally:
        for name in (*(host.name for host in made), switch):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


_NEW: Final = "/mnt"
_SYSTEM: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc")


def _script(steps: Sequence[Step], names: Mapping[str, str]) -> Iterator[str]:
    yield f"mount -t tmpfs -o mode=755 root {_NEW}"
    yield f"mkdir {_NEW}/proc {_NEW}/dev {_NEW}/run"
    yield f"mount -t proc proc {_NEW}/proc"
    yield f"mount --rbind /dev {_NEW}/dev"
    for top in (Path("/", name) for name in _SYSTEM):
        if top.is_symlink():
            yield f"cp -a {top} {_NEW}{top}"
        elif top.is_dir():
            yield _shown(top, top)
    for name, address in names.items():
        yield f"echo {shlex.quote(f'{address} {name}')} >> {_NEW}/run/hosts"
    if names:
        yield f"mount --bind {_NEW}/run/hosts {_NEW}/etc/hosts"
    for place, options in {one: how for step in steps for one, how in step.mounts.items()}.items():
        at = f"{_NEW}{place}"
        yield f"mkdir -p {at}; mount -t tmpfs -o mode=1777,{options} tmpfs {at}"
    # The interpreter, and our code; behind those places, for they may lie below one of them.
    for folder in {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT}:
        yield _shown(folder, folder)
    yield from (f"mkdir -p {_NEW}{place}" for step in steps for place in step.files)
    yield f"mount -o remount,ro {_NEW}"
    for step in steps[:-1]:
        yield from (_shown(folder, place) for place, folder in step.files.items())
        yield _confined(step)
        yield from (f"umount {_NEW}{place}" for place in step.files)
    yield from (_shown(folder, place) for place, folder in steps[-1].files.items())
    # No `exec`: a process that takes another user is no longer ended with who started it.
    yield _confined(steps[-1])


def _shown(folder: Path, place: Path | str) -> str:
    """Return how `folder` is seen at `place` of the new root, read-only."""
    source, target = shlex.quote(str(folder)), shlex.quote(f"{_NEW}{place}")
    return (
        f"[ -d {target} ] || mkdir -p {target}; mount --bind {source} {target}; "
        f"mount -o remount,bind,ro {target}"
    )


def _confined(step: Step) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
        **step.environment,
    }
    return shlex.join(
        [
            "chroot", _NEW,
            "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all",
            "env", "-i", *(f"{name}={value}" for name, value in environment.items()),
            *step.command,
        ]
    )  # fmt: skip
