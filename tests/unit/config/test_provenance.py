"""What ``provenance: seg`` asks of an installation."""

from pathlib import Path

import pytest

from deid_node.checks import check_all
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory
from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key_file
from deid_node.spool.files import PLAIN


@pytest.fixture
def config(tmp_path: Path) -> Config:
    new_key_file(tmp_path / "pseudonym.key")
    path = tmp_path / "node.yaml"
    path.write_text(
        "treatments: {research: {}, marked: {provenance: seg}}\n"
        "forward: {destinations: {archive: {kind: folder, dir: ./out}}}\n"
    )
    return load(path, environment={})


def test_nothing_is_marked_unless_it_is_asked_for(config: Config) -> None:
    assert config.treatments["research"].provenance == "none"
    check_all(config)


def test_a_start_is_refused_where_marks_cannot_be_made(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deid_node.pixels.provenance.find_spec", lambda _name: None)

    for start in (
        lambda: check_all(config),
        corridor_factory(config, keys=[bytes(32)] * 2, files=PLAIN),
    ):
        with pytest.raises(ConfigurationError, match="not installed") as caught:
            start()
        assert caught.value.path == "treatments.marked.provenance"


def test_the_corridor_marks_for_the_treatment_that_asks(config: Config) -> None:
    corridor = corridor_factory(config, keys=[bytes(range(32))] * 2, files=PLAIN)()

    marking = {name: one.marks_filled for name, one in corridor._treatments.items()}
    assert marking == {"research": False, "marked": True}
