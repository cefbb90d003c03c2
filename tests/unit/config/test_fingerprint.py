"""The same settings have the same digits, others have others, and nothing can be read in them."""

from pathlib import Path
from typing import Any

import pytest

from deid_node.config.fingerprint import fingerprint_of
from deid_node.config.load import load
from deid_node.config.schema import Config
from tests.architecture.source import ROOT


def test_the_digits_are_those_of_the_settings_and_not_of_their_order(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("receive: {port: 104, ae_title: NODE}\nspool: {dir: ./spool}\n")
    other.write_text("spool: {dir: spool}\n# a comment\nreceive: {ae_title: NODE, port: 104}\n")

    assert fingerprint_of(load(one)) == fingerprint_of(load(other))
    assert len(fingerprint_of(load(one))) == 16


@pytest.mark.parametrize(
    "sections",
    [
        {"receive": {"port": 104}},
        {"treatments": {"research": {"fill": "solid"}}},
        {"forward": {"destinations": {"a": {"kind": "folder", "dir": "a"}}}},
        {"route": {"otherwise": "discard"}},
        {"metadata": {"options": ["clean_pixel_data"]}},
    ],
)
def test_another_setting_has_other_digits(sections: dict[str, Any]) -> None:
    assert fingerprint_of(Config.model_validate(sections)) != fingerprint_of(Config())


def test_the_example_has_digits_too() -> None:
    first, second = (fingerprint_of(load(ROOT / "config.example.yaml")) for _ in range(2))

    assert first == second
