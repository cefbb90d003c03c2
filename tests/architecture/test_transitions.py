"""Every change of state stands on one page."""

import re

from tests.architecture.source import modules

_CHANGES = re.compile(
    r"UPDATE\s+(instances|deliveries)\s+SET\s(?:(?!WHERE)[^;])*?\b(state|superseded)\s*="
    r"|(INSERT INTO|DELETE FROM)\s+(instances|deliveries)\b"
)
_SCHEMA = {"spool/places.py"}
"""Carries journals of older versions over, before anybody works."""


def test_states_are_changed_on_one_page() -> None:
    # Strings that stand side by side are one statement.
    changing = {
        module.name
        for module in modules()
        if _CHANGES.search(re.sub(r"\"\s*(#[^\n]*)?\n\s*f?\"", "", module.text))
    }

    assert changing - _SCHEMA == {"spool/transitions.py"}
