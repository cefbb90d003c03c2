"""The operator's handbook says what the code does."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from deid_node.config.schema import Config
from deid_node.receive.dimse import refusal
from deid_node.receive.dimse.refusal import Refusal
from deid_node.receive.status import StoreStatus
from deid_node.values.refusal import RefusalCode, TlsFault
from tests.architecture import tables
from tests.architecture.source import ROOT

HANDBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("made", tables.TABLES, ids=lambda made: made.__name__)
def test_tables_are_those_of_the_code(made: Callable[[], str]) -> None:
    expected = made()

    assert expected in HANDBOOK, f"docs/operations.md should hold\n\n{expected}\n"


def test_the_statuses_are_those_that_the_door_answers() -> None:
    told = re.findall(r"^\| `0x([0-9A-F]{4})` \|", HANDBOOK, re.MULTILINE)

    assert sorted(int(code, 16) for code in told) == sorted(StoreStatus)


def test_the_reasons_of_refusal_are_those_of_the_door() -> None:
    section = HANDBOOK.partition("### Refused associations and requests")[2].partition("\n## ")[0]

    told = re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)

    assert told == [*RefusalCode, *TlsFault]
    rejections = {one.code for one in vars(refusal).values() if isinstance(one, Refusal)}
    assert rejections <= set(RefusalCode)


def test_every_setting_that_it_names_exists() -> None:
    sections = "|".join(Config.model_fields)
    unknown = []
    for path in re.findall(rf"`((?:{sections})(?:\.[a-z_]+)+)`", HANDBOOK):
        model: Any = Config
        for part in path.split("."):
            if part not in getattr(model, "model_fields", {}):
                unknown.append(path)
                break
            model = model.model_fields[part].annotation
            if not hasattr(model, "model_fields"):
                break

    assert not unknown


def test_the_files_and_services_that_it_names_exist() -> None:
    for path in re.findall(r"`((?:docker|docs)/[\w./-]+)`", HANDBOOK):
        if "secrets" not in path and path != "docs/configuration.md":
            assert (ROOT / path).exists(), path
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
    for service in re.findall(
        r"docker compose [^\n`]*(?:logs|exec|run|restart|stop) (\w+)", HANDBOOK
    ):
        assert service in compose["services"]


def test_it_has_one_sentence_a_line() -> None:
    """So that a change of one sentence is a change of one line."""
    prose = [
        line
        for line in re.sub(r"```.*?```", "", HANDBOOK, flags=re.DOTALL).splitlines()
        if line and not line.startswith(("|", "#", "-", ">", "1"))
    ]
    for line in prose:
        assert not re.search(r"[a-z)`]\. [A-Z]", line), line
