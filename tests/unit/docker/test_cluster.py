"""The example of a cluster: protected as the node wants it, with no way out and no disk."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deid_node.cluster.protections import unprotected
from deid_node.lines.channel import called_context, calling_context
from deid_node.lines.options import LineTlsOptions
from tests.unit.docker.programs import DOCKER, program

COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.cluster.yaml").read_text())
MEMBERS: dict[str, dict[str, Any]] = COMPOSE["services"]

each_member = pytest.mark.parametrize("member", MEMBERS)


@each_member
def test_every_member_has_what_the_foreman_looks_for(member: str) -> None:
    assert unprotected(MEMBERS[member]["environment"]) is None


@each_member
def test_every_file_of_a_member_is_a_secret_that_is_declared(member: str) -> None:
    named = {
        Path(value).name
        for value in MEMBERS[member]["environment"].values()
        if value.startswith("/run/secrets/")
    }

    assert len(named) == 4
    assert named == set(MEMBERS[member]["secrets"]) == set(COMPOSE["secrets"])
    assert all(one["file"].startswith("./secrets/") for one in COMPOSE["secrets"].values())


@each_member
def test_no_member_writes_to_a_disk_or_gains_privileges(member: str) -> None:
    service = MEMBERS[member]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "volumes" not in service
    assert {place.partition(":")[0] for place in service["tmpfs"]} == {"/tmp", "/dev/shm"}  # noqa: S108


@each_member
def test_no_member_is_published_or_reaches_beyond_the_cluster(member: str) -> None:
    assert "ports" not in MEMBERS[member]
    assert set(MEMBERS[member]["networks"]) == {"cluster"}
    assert COMPOSE["networks"]["cluster"]["internal"] is True


def test_the_head_serves_no_dashboard_and_does_no_work_itself() -> None:
    (command,) = MEMBERS["head"]["command"]

    assert "--include-dashboard=false" in command
    assert "--num-cpus=0" in command
    assert command.endswith("exec deid-node foreman --address 10.77.0.2:6379")


def test_members_are_started_by_the_address_that_they_have() -> None:
    for name, service in MEMBERS.items():
        (command,) = service["command"]
        address = service["networks"]["cluster"]["ipv4_address"]
        assert f"--node-ip-address={address}" in command, name


@each_member
def test_rays_logs_are_bounded_as_they_lie_in_memory(member: str) -> None:
    told = MEMBERS[member]["environment"]

    kept = int(told["RAY_ROTATION_BACKUP_COUNT"]) + 1
    assert int(told["RAY_ROTATION_MAX_BYTES"]) * kept <= 30_000_000


@pytest.mark.peer("openssl")
def test_the_commands_of_the_page_make_what_lines_take(tmp_path: Path) -> None:
    program("openssl")
    page = (DOCKER.parent / "docs" / "cluster.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(openssl .*?)```", page, re.DOTALL)

    subprocess.run(["/bin/sh", "-ec", commands], cwd=tmp_path, check=True, capture_output=True)

    made = LineTlsOptions(
        certificate_file=tmp_path / "machine.crt",
        key_file=tmp_path / "machine.key",
        ca_file=tmp_path / "ca.crt",
    )
    called_context(made, "tls")
    calling_context(made, "tls")
    verify = ["openssl", "verify", "-CAfile", "ca.crt", "-verify_ip", "10.77.0.3", "machine.crt"]
    subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)
    assert re.fullmatch(r"[0-9a-f]{64}\n", (tmp_path / "token").read_text())
