"""The service file gives the node what it needs and nothing more."""

import re
from collections.abc import Mapping, Sequence

import pytest

from tests.architecture.source import ROOT

SERVICE = ROOT / "systemd" / "deid-node.service"


@pytest.fixture(scope="module")
def settings() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", SERVICE.read_text("utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("User", "deid"),
    ],
)
def test_the_service_has_no_right_that_it_does_not_need(
    settings: Mapping[str, Sequence[str]], name: str, value: str
) -> None:
    assert settings[name] == [value]


def test_what_is_in_hand_is_finished_before_the_end(settings: Mapping[str, Sequence[str]]) -> None:
    assert settings["KillMode"] == ["mixed"]
    assert settings["TimeoutStopSec"] == ["5min"]


def test_a_worker_that_is_killed_for_memory_is_not_the_end_of_the_service(
    settings: Mapping[str, Sequence[str]],
) -> None:
    assert settings["OOMPolicy"] == ["continue"]


def test_the_configuration_is_checked_before_each_start(
    settings: Mapping[str, Sequence[str]],
) -> None:
    (check,), (serve,) = settings["ExecStartPre"], settings["ExecStart"]

    assert check.split()[1] == "check"
    assert serve.split()[1] == "serve"
    assert check.split()[2:] == serve.split()[2:]


def test_a_reload_asks_the_node_and_hears_what_became_of_it(
    settings: Mapping[str, Sequence[str]],
) -> None:
    (reload,), (serve,) = settings["ExecReload"], settings["ExecStart"]

    assert reload == serve.replace(" serve ", " reload ")


def test_it_writes_to_its_state_folder_only(settings: Mapping[str, Sequence[str]]) -> None:
    assert settings["StateDirectory"] == ["deid-node"]
    assert settings["WorkingDirectory"] == ["/var/lib/deid-node"]
    assert "ReadWritePaths" not in settings


def test_the_template_is_the_service_with_a_configuration_and_a_state_of_its_own() -> None:
    def told(text: str) -> list[str]:
        return [line for line in text.splitlines() if line and not line.startswith("#")]

    plain = SERVICE.read_text("utf-8")
    for one, of_many in (
        ("/etc/deid-node/node.yaml", "/etc/deid-node/%i.yaml"),
        ("StateDirectory=deid-node", "StateDirectory=deid-node/%i"),
        ("WorkingDirectory=/var/lib/deid-node", "WorkingDirectory=/var/lib/deid-node/%i"),
        ("Description=deid_node,", "Description=deid_node %i,"),
    ):
        plain = plain.replace(one, of_many)

    assert told(SERVICE.with_name("deid-node@.service").read_text("utf-8")) == told(plain)
