"""The options of the room."""

import pytest
from pydantic import ValidationError

from deid_node.observe.options import ObserveOptions


def test_the_defaults_are_those_of_the_contract() -> None:
    assert ObserveOptions().model_dump() == {
        "http": {"host": "127.0.0.1", "port": 9464},
        "log_level": "info",
        "log_form": "json",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"log_level": "trace"},
        {"http": {"port": -1}},
        {"http": {"port": 65536}},
        {"http": {"host": ""}},
        {"http": {"adress": "::"}},
        {"colour": "red"},
    ],
)
def test_what_is_no_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ObserveOptions.model_validate(wrong)


def test_options_are_frozen() -> None:
    with pytest.raises(ValidationError):
        ObserveOptions().log_level = "debug"  # type: ignore[misc]
