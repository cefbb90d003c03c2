"""The key of the spool: what of it keeps the node from starting, and what it opens."""

from pathlib import Path

import pytest

from deid_node.checks import blob_files, check_all
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key_file
from deid_node.spool.files import PLAIN

SETTING = "spool.encryption_key_file"


def configured(folder: Path, *, encryption: str = "aes_gcm", key: str = "./spool.key") -> Config:
    """Return a configuration in a folder with both keys."""
    new_key_file(folder / "pseudonym.key")
    new_key_file(folder / "spool.key")
    path = folder / "node.yaml"
    path.write_text(
        f"spool: {{encryption: {encryption}, encryption_key_file: {key}}}\n"
        "forward: {destinations: {archive: {kind: folder, dir: ./out}}}\n"
    )
    return load(path, environment={})


def fault(config: Config) -> str:
    """Return why the check refuses the key."""
    with pytest.raises(ConfigurationError) as raised:
        check_all(config)
    assert raised.value.path == SETTING
    return raised.value.reason


def test_a_missing_key_is_told_with_its_path(tmp_path: Path) -> None:
    assert fault(configured(tmp_path, key="./nowhere.key")).endswith("nowhere.key cannot be read")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "spool.key").chmod(0o640)

    assert fault(config).endswith("spool.key is open to others; use chmod 600")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "spool.key").write_bytes(bytes(31))

    assert fault(config).endswith("spool.key has fewer than 32 bytes")


def test_the_pseudonym_key_is_refused(tmp_path: Path) -> None:
    assert "pseudonym key" in fault(configured(tmp_path, key="./pseudonym.key"))


@pytest.mark.parametrize(("encryption", "encrypts"), [("aes_gcm", True), ("none", False)])
def test_the_key_opens_also_where_nothing_is_encrypted_any_more(
    tmp_path: Path, encryption: str, encrypts: bool
) -> None:
    files = blob_files(configured(tmp_path, encryption=encryption))

    assert files.key is not None
    assert files.encrypts is encrypts


def test_without_a_key_file_nothing_is_encrypted(tmp_path: Path) -> None:
    assert blob_files(configured(tmp_path, encryption="none", key="null")) == PLAIN
