"""What can change while the node runs, and what is refused by its path."""

from typing import Any

import pytest

from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError
from deid_node.reload.changes import changes, require_changeable


def config(**sections: Any) -> Config:
    return Config.model_validate(sections)


@pytest.mark.parametrize(
    "after",
    [
        {"route": {"rules": [], "otherwise": "discard"}},
        {"treatments": {"other": {}}},
        {"metadata": {"patient_id_prefix": "X-", "subject_table_file": "t.csv"}},
        {"pixels": {"finder": {"kind": "crnn", "min_score": 0.5}}},
        {"work": {"engine": {"kind": "local", "processes": 3}}},
        {"forward": {"destinations": {"a": {"kind": "folder", "dir": "a"}}}},
        {"forward": {"retry": {"cap_seconds": 7}}},
        {"receive": {"peers": [{"name": "ct1", "ae_title": "CT1"}]}},
        {"receive": {"max_associations": 3, "max_associations_per_address": 2}},
        {"receive": {"max_refusals_per_minute": 3, "log_ae_titles": True}},
        {"receive": {"user_identity": {"users_file": "users"}}},
    ],
)
def test_what_is_asked_anew_each_time_can_change(after: dict[str, Any]) -> None:
    assert list(changes(config(), config(**after)))
    require_changeable(config(), config(**after))


@pytest.mark.parametrize(
    ("after", "path"),
    [
        ({"receive": {"port": 104}}, "receive.port"),
        ({"receive": {"host": "127.0.0.1"}}, "receive.host"),
        ({"receive": {"ae_title": "OTHER"}}, "receive.ae_title"),
        ({"receive": {"max_pdu_bytes": 0}}, "receive.max_pdu_bytes"),
        ({"receive": {"association_seconds": 1}}, "receive.association_seconds"),
        ({"receive": {"listeners": [{"name": "a", "port": 1}]}}, "receive.listeners"),
        ({"spool": {"dir": "elsewhere"}}, "spool.dir"),
        ({"spool": {"reserve_bytes": 5}}, "spool.reserve_bytes"),
        ({"observe": {"log_level": "debug"}}, "observe.log_level"),
        ({"notify": {"after_seconds": 5}}, "notify.after_seconds"),
        ({"review": {"users_file": "users"}}, "review"),
        ({"audit": {"kind": "file", "file": "a"}}, "audit"),
    ],
)
def test_what_is_open_for_life_is_refused_by_its_path(after: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        require_changeable(config(), config(**after))

    assert refused.value.path == path


def test_every_section_is_either_changeable_or_not() -> None:
    """A new section is fixed until somebody has thought of how it would change."""
    changeable = {"route", "treatments", "pixels", "metadata", "work", "forward", "receive"}
    assert changeable | {"spool", "observe", "notify", "review", "audit"} == set(
        Config.model_fields
    )


def test_every_setting_that_cannot_change_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"^receive\.port: .*\(and so do observe\.log_l"):
        require_changeable(config(), config(receive={"port": 104}, observe={"log_level": "debug"}))


def test_terms_of_a_listener_can_change_and_its_port_cannot() -> None:
    before = {"name": "a", "port": 1}

    require_changeable(
        config(receive={"listeners": [before]}),
        config(receive={"listeners": [{**before, "max_associations": 4}]}),
    )
    with pytest.raises(ConfigurationError) as refused:
        require_changeable(
            config(receive={"listeners": [before]}),
            config(receive={"listeners": [{**before, "port": 2}]}),
        )
    assert refused.value.path == "receive.listeners[0].port"


def test_the_same_configuration_has_no_changes() -> None:
    assert not list(changes(config(), config()))


def test_terms_of_stow_rs_can_change_and_its_port_cannot() -> None:
    before = {"port": 1}
    peers = [{"name": "cloud", "address": "10.0.0.1"}]

    require_changeable(
        config(receive={"stow": before}),
        config(receive={"stow": {**before, "peers": peers, "max_requests": 4}}),
    )
    for fixed in ({"port": 2}, {"path": "/other"}, {"silence_seconds": 3}, {"host": "127.0.0.1"}):
        with pytest.raises(ConfigurationError, match=r"^receive\.stow\."):
            require_changeable(
                config(receive={"stow": before}), config(receive={"stow": {**before, **fixed}})
            )
    with pytest.raises(ConfigurationError, match=r"^receive\.stow"):
        require_changeable(config(), config(receive={"stow": before}))
