import stat
from pathlib import Path

import pytest

from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key, new_key_file, read_key_file


def test_a_new_key_file_is_for_the_owner_alone_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"

    new_key_file(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(read_key_file(path)) == 32


def test_two_new_keys_differ() -> None:
    assert new_key() != new_key()


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    new_key_file(path)
    before = path.read_bytes()

    with pytest.raises(ConfigurationError) as raised:
        new_key_file(path)

    assert path.read_bytes() == before
    assert raised.value.path == "metadata.pseudonym_key_file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "pseudonym.key"
    new_key_file(path)
    path.chmod(mode)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_key_file(path)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    path.write_bytes(b"k" * 31)
    path.chmod(0o600)

    with pytest.raises(ConfigurationError, match="32 bytes"):
        read_key_file(path)


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_key_file(tmp_path / "nowhere.key")
