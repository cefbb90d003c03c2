"""Several ports on one spool: what each is told, and what they may not contradict."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.receive.build import ae_titles, certificates_of, check_reception, peer_names
from deid_node.receive.dimse.commitment_reporter import build_callbacks
from deid_node.receive.options import ReceiveOptions
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from tests.fakes.certificates import Authority


def options(*listeners: dict[str, Any], **receive: Any) -> ReceiveOptions:
    return ReceiveOptions.model_validate({**receive, "listeners": list(listeners)})


def peer(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "ae_title": name.upper(), **more}


def test_one_port_is_said_as_before() -> None:
    (one,) = ReceiveOptions(port=104, ae_title="NODE").listening

    assert (one.name, one.part, one.setting) == ("", "receive", "receive")
    assert (one.options.port, one.options.ae_title) == (104, "NODE")


def test_what_a_listener_does_not_name_is_as_for_all() -> None:
    ward, trials = options(
        {"name": "ward", "port": 104},
        {
            "name": "trials", "port": 2762, "ae_title": "TRIALS", "max_associations": 3,
            "peers": [peer("partner")], "host": "127.0.0.1",
        },
        ae_title="NODE", peers=[peer("ct1")], max_associations=7, association_seconds=5,
    ).listening  # fmt: skip

    assert (ward.part, ward.setting) == ("receive_ward", "receive.listeners[0]")
    assert (ward.options.ae_title, ward.options.max_associations) == ("NODE", 7)
    assert [one.name for one in ward.options.peers if one != "any"] == ["ct1"]  # type: ignore[union-attr]
    assert (trials.options.ae_title, trials.options.max_associations) == ("TRIALS", 3)
    assert [one.name for one in trials.options.peers] == ["partner"]  # type: ignore[union-attr]
    assert (trials.options.host, trials.options.port) == ("127.0.0.1", 2762)
    assert trials.options.quota == 2
    assert {one.options.association_seconds for one in (ward, trials)} == {5}


@pytest.mark.parametrize(
    ("receive", "listeners", "said"),
    [
        ({"port": 104}, [{"name": "a", "port": 1}], "each of them says its port"),
        ({}, [{"name": "a", "port": 1}, {"name": "a", "port": 2}], "same name"),
        ({}, [{"name": "a", "port": 1}, {"name": "b", "port": 1}], "same port"),
        (
            {"peers": [peer("ct1")]},
            [{"name": "a", "port": 1, "peers": [peer("ct1")]}],
            "two peers have the same name",
        ),
        (
            {},
            [{"name": "a", "port": 1, "peers": [peer("ct1", asks_for=["mr"])]}],
            "asks for one that is not listed",
        ),
        (
            {"peers": [peer("ct1", certificate_name="ct1.example")]},
            [{"name": "a", "port": 1}],
            "needs tls with a ca_file",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    receive: dict[str, Any], listeners: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        options(*listeners, **receive)


def test_free_ports_may_be_asked_for_twice() -> None:
    listening = options({"name": "a", "port": 0}, {"name": "b", "port": 0}).listening

    assert [one.options.port for one in listening] == [0, 0]


def test_a_peer_bound_to_its_certificate_may_share_a_list_with_a_plain_port(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = {"ca_file": str(authority.file), **authority.issue("node", kind="rsa").files}

    receive = options(
        {"name": "plain", "port": 1},
        {"name": "tls", "port": 2, "tls": tls},
        peers=[peer("ct1", certificate_name="ct1.example"), peer("mr")],
    )

    check_reception(receive)
    assert {one.part for one in certificates_of(receive)} == {"receive_tls"}


def test_a_fault_of_a_listener_is_told_by_its_path(tmp_path: Path) -> None:
    files = {"certificate_file": str(tmp_path / "none"), "key_file": str(tmp_path / "none")}

    with pytest.raises(ConfigurationError) as fault:
        check_reception(
            options(
                {"name": "plain", "port": 1},
                {"name": "tls", "port": 2, "tls": {**files, "require_client_certificate": False}},
            )
        )

    assert fault.value.path.startswith("receive.listeners[1].tls")


def test_names_and_titles_are_those_of_every_port() -> None:
    receive = options(
        {"name": "a", "port": 1, "peers": "any"},
        {"name": "b", "port": 2, "ae_title": "B", "peers": [peer("ct1")]},
        {"name": "c", "port": 3, "peers": [peer("mr")]},
    )

    assert peer_names(receive) == ("any", "ct1", "mr")
    assert ae_titles(receive) == {"DEIDNODE", "B"}


def test_a_peer_is_called_back_by_the_title_that_it_calls() -> None:
    to = {"host": "127.0.0.1", "port": 4006}

    callbacks = build_callbacks(
        options(
            {"name": "a", "port": 1},
            {"name": "b", "port": 2, "ae_title": "B", "peers": [peer("mr", report_to=to)]},
            peers=[peer("ct1", report_to=to)],
        )
    )

    assert {name: one.ae_title for name, one in callbacks.items()} == {"ct1": "DEIDNODE", "mr": "B"}


@pytest.mark.parametrize(
    ("when", "path"),
    [
        ({"kind": "equals", "attribute": "listener", "value": "gone"}, "value"),
        ({"kind": "one_of", "attribute": "listener", "values": ["ward", "gone"]}, "values[1]"),
        (
            {"kind": "not", "of": {"kind": "all_of", "of": [
                {"kind": "always"}, {"kind": "equals", "attribute": "listener", "value": "gone"},
            ]}},
            "of.of[1].value",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_names_a_listener_which_is_not_there_is_refused(
    when: dict[str, Any], path: str
) -> None:
    route = RouteOptions.model_validate(
        {"rules": [{"name": "one", "when": when, "then": {"kind": "withhold"}}]}
    )

    with pytest.raises(ConfigurationError) as fault:
        compile_router(route, listeners=["ward"])

    assert fault.value.path == f"route.rules[0].when.{path}"
    compile_router(route, listeners=["ward", "gone"])
