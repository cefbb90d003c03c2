"""Who is known by user name, and who knocks too often."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.scp import StorageScp
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.intake import Intake
from deid_node.receive.options import Listening, ReceiveOptions
from deid_node.receive.status import status_of
from deid_node.receive.users import user_line
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from tests.builders.custody import Spool
from tests.fakes.event_log import RecordingLog

VERIFICATION = "1.2.840.10008.1.1"


class House:
    """A door that knows one user."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        self.door = StorageScp(
            Listening(
                "",
                "receive",
                ReceiveOptions.model_validate({"host": "127.0.0.1", "port": 0, **options}),
            ),
            StoreHandler(
                Intake(
                    Spool(self.custody),
                    lambda *_: None,
                    status_of=status_of,
                    metrics=self.metrics,
                    log=self.log,
                )
            ),
            require_room=lambda: None,
            metrics=self.metrics,
            log=self.log,
        )
        self.door.start()

    def close(self) -> None:
        self.door.stop(finish_seconds=2)
        self.custody.close()

    def associate(
        self, shown: UserIdentityNegotiation | None = None, *, called: str = "DEIDNODE"
    ) -> Association:
        ae = AE("SCANNER")
        ae.add_requested_context(VERIFICATION)
        return ae.associate(
            "127.0.0.1", self.door.port, ae_title=called, ext_neg=[shown] if shown else []
        )

    def refusals(self, code: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "deid_node_refusals_total", {"door": "dimse", "code": code}
        )
        return value or 0.0


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.touch(mode=0o600)
    path.write_text(user_line("scanner", "s3cret") + "\n")
    return path


@pytest.fixture
def house(tmp_path: Path, users_file: Path) -> Iterator[House]:
    house = House(tmp_path / "house", user_identity={"users_file": str(users_file)})
    yield house
    house.close()


def shown(name: str, passcode: str, *, answer: bool = False) -> UserIdentityNegotiation:
    item = UserIdentityNegotiation()
    item.user_identity_type = 2
    item.primary_field = name.encode()
    item.secondary_field = passcode.encode()
    item.positive_response_requested = answer
    return item


@pytest.mark.req("REQ-NW-06")
def test_a_user_with_the_right_passcode_is_served(house: House) -> None:
    association = house.associate(shown("scanner", "s3cret"))

    assert association.is_established
    assert association.send_c_echo().Status == 0
    association.release()


def test_a_user_who_asks_for_an_answer_gets_one(house: House) -> None:
    association = house.associate(shown("scanner", "s3cret", answer=True))

    assert association.is_established
    assert association.acceptor.user_identity is not None
    association.release()


@pytest.mark.req("REQ-NW-06")
@pytest.mark.parametrize(
    ("name", "passcode"), [("scanner", "wrong"), ("nobody", "s3cret"), ("DOE^JANE", "")]
)
def test_who_is_no_user_is_turned_away_and_not_named_in_the_log(
    house: House, name: str, passcode: str
) -> None:
    association = house.associate(shown(name, passcode or "x"))

    answer = association.acceptor.primitive
    assert association.is_rejected
    assert answer is not None
    assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 1)
    assert house.refusals("not_identified") == 1
    for word in (name, passcode or "x^"):
        assert word not in house.log.text.replace("peer", "")


@pytest.mark.req("REQ-NW-06")
def test_who_shows_nobody_is_turned_away(house: House) -> None:
    assert house.associate().is_rejected


def test_where_no_user_is_required_one_that_is_shown_is_checked_all_the_same(
    tmp_path: Path, users_file: Path
) -> None:
    house = House(
        tmp_path / "house", user_identity={"users_file": str(users_file), "required": False}
    )

    nobody, wrong = house.associate(), house.associate(shown("scanner", "wrong"))

    assert (nobody.is_established, wrong.is_rejected) == (True, True)
    nobody.release()
    house.close()


@pytest.mark.req("REQ-NW-07")
def test_who_is_refused_too_often_is_not_listened_to(tmp_path: Path) -> None:
    house = House(tmp_path / "house", max_refusals_per_minute=3)

    rejected = [house.associate(called="SOMEBODY").is_rejected for _ in range(3)]
    with socket.create_connection(("127.0.0.1", house.door.port), timeout=10) as link:
        heard = link.recv(1)

    assert rejected == [True] * 3
    assert heard == b""
    assert house.refusals("called_ae_unknown") == 3
    assert house.refusals("refused_often") == 1
    warned = [
        line for line in house.log.lines_of(Event.CONNECTION_REFUSED) if line["level"] == "warning"
    ]
    assert [line["code"] for line in warned] == ["refused_often"]
    house.close()


@pytest.mark.req("REQ-NW-07")
def test_refusals_that_are_not_the_callers_fault_shut_nobody_out(tmp_path: Path) -> None:
    house = House(tmp_path / "house", max_refusals_per_minute=2, max_associations=1)
    first = house.associate()

    refused = [house.associate().is_rejected for _ in range(4)]
    first.release()

    assert refused == [True] * 4
    assert house.refusals("too_many_associations") == 4
    assert house.refusals("refused_often") == 0
    house.close()
