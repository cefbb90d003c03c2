import io
import time
from pathlib import Path

import pytest

from deid_node.cli import main
from deid_node.errors import ConfigurationError
from deid_node.receive.users import IdentityType, Users, user_line
from deid_node.values.passcode import HashedPasscode

NAME, BOTH = IdentityType.NAME, IdentityType.NAME_AND_PASSCODE


def written(folder: Path, *lines: str, mode: int = 0o600) -> Path:
    path = folder / "users"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(mode)
    return path


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users.read(
        written(tmp_path, "# scanners", user_line("ct:one", "s3cret:x"), "", "portable:")
    )


@pytest.mark.req("REQ-NW-06")
@pytest.mark.parametrize(
    ("kind", "name", "passcode", "known"),
    [
        (BOTH, b"ct:one", b"s3cret:x", True),
        (BOTH, b"ct:one", b"s3cret", False),
        (BOTH, b"ct:one", b"", False),
        (BOTH, b"CT:ONE", b"s3cret:x", False),
        (BOTH, b"nobody", b"s3cret:x", False),
        (NAME, b"ct:one", b"", False),
        (NAME, b"portable", b"", True),
        (BOTH, b"portable", b"anything", True),
        (NAME, b"nobody", b"", False),
        (NAME, b"", b"", False),
        (NAME, b"\xff\xfe", b"", False),
        (IdentityType.KERBEROS, b"ct:one", b"s3cret:x", False),
        (IdentityType.JSON_WEB_TOKEN, b"portable", b"", False),
        (0, b"portable", b"", False),
    ],
)
def test_a_user_is_known_by_name_and_passcode(
    users: Users, kind: int, name: bytes, passcode: bytes, known: bool
) -> None:
    assert users.knows(kind, name, passcode) is known


def test_who_does_not_exist_is_not_told_faster_than_who_does(users: Users) -> None:
    began = time.process_time()
    users.knows(BOTH, b"ct:one", b"wrong")
    middle = time.process_time()
    users.knows(BOTH, b"nobody", b"wrong")
    end = time.process_time()

    assert end - middle > 0.2 * (middle - began)


@pytest.mark.req("REQ-NW-06")
def test_the_file_holds_no_passcode_and_no_two_hashes_are_the_same() -> None:
    lines = [user_line("ct", "s3cret") for _ in range(2)]

    assert lines[0] != lines[1]
    assert "s3cret" not in "".join(lines)
    assert "salt" not in repr(HashedPasscode.of(b"s3cret"))


@pytest.mark.parametrize(
    "line",
    [
        "ct",
        ":scrypt$16384$8$1$AAAA$AAAA",
        "ct:md5$16384$8$1$AAAA$AAAA",
        "ct:scrypt$16385$8$1$AAAA$AAAA",
        "ct:scrypt$1048576$8$1$AAAA$AAAA",
        "ct:scrypt$16384$8$1$A$AAAA",
        "ct:secret",
        "ct:\nct:",
        "",
    ],
)
def test_a_wrong_line_is_told_by_its_number_and_never_quoted(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Users.read(written(tmp_path, line))

    assert refusal.value.path == "receive.user_identity.users_file"
    assert "secret" not in str(refusal.value)


@pytest.mark.req("REQ-NW-04")
@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match="open to others"):
        Users.read(written(tmp_path, user_line("ct", "x"), mode=mode))


@pytest.mark.parametrize("name", ["", " ct", "#ct", "c\nt"])
def test_a_name_that_a_line_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="user name"):
        user_line(name, "x")


def test_the_command_prints_a_line_that_the_door_understands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret\n"))

    status = main(["user", "ct"])

    assert status == 0
    assert Users.read(written(tmp_path, capsys.readouterr().out)).knows(BOTH, b"ct", b"s3cret")
