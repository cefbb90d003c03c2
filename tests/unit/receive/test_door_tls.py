"""The door in TLS, and what callers meet there who do not speak it as they should."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry
from pynetdicom import AE
from pynetdicom.association import Association

from deid_node.dicom.tls import client_tls, fault_of
from deid_node.dicom.tls_options import ClientTlsOptions
from deid_node.errors import ConfigurationError
from deid_node.observe.events import Event
from deid_node.observe.metrics import Metrics
from deid_node.receive.dimse.scp import StorageScp
from deid_node.receive.dimse.store import StoreHandler
from deid_node.receive.intake import Intake
from deid_node.receive.options import Listening, ReceiveOptions
from deid_node.receive.status import status_of
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.values.refusal import TlsFault
from tests.builders.custody import Spool
from tests.fakes.certificates import Authority, Identity
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually

VERIFICATION = "1.2.840.10008.1.1"
ASSOCIATE_RQ = b"\x01\x00\x00\x00\x00\xcd" + b"\x00\x01\x00\x00" + b"A" * 201


class House:
    """A door in TLS with a spool behind it."""

    def __init__(
        self, folder: Path, peers: Sequence[Mapping[str, object]] = (), /, **tls: object
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.authority = Authority(folder / "authority")
        self.custody = Custody(SpoolOptions(dir=folder / "spool", reserve_bytes=0), exclusive=True)
        self.custody.open()
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        section = {**self.authority.issue("door").files, "ca_file": str(self.authority.file), **tls}
        self.door = StorageScp(
            Listening(
                "",
                "receive",
                ReceiveOptions.model_validate(
                    {
                        "host": "127.0.0.1",
                        "port": 0,
                        "association_seconds": 5,
                        "tls": section,
                        "peers": peers or "any",
                    }
                ),
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

    def context(self, identity: Identity | None) -> ssl.SSLContext:
        return client_tls(
            ClientTlsOptions(
                certificate_file=identity.certificate if identity else None,
                key_file=identity.key if identity else None,
                ca_file=self.authority.file,
                check_host_name=True,
            ),
            "peer",
        )

    def associate(self, context: ssl.SSLContext | None) -> Association:
        ae = AE("SCANNER")
        ae.add_requested_context(VERIFICATION)
        return ae.associate(
            "127.0.0.1",
            self.door.port,
            ae_title="DEIDNODE",
            tls_args=(context, "127.0.0.1") if context else None,
        )

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.door.port), timeout=30)

    def refusals(self, code: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "deid_node_refusals_total", {"door": "dimse", "code": code}
        )
        return value or 0.0

    def is_served(self) -> bool:
        association = self.associate(self.context(self.authority.issue("good")))
        if not association.is_established:
            return False
        answer = association.send_c_echo()
        association.release()
        return bool(answer.Status == 0)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "house")
    yield house
    house.close()


def door_threads() -> set[int | None]:
    return {
        thread.ident
        for thread in threading.enumerate()
        if thread.name.startswith("AcceptorThread") or "DULServiceProvider" in repr(thread)
    }


@pytest.mark.req("REQ-NW-01")
def test_a_peer_with_a_certificate_is_served(house: House) -> None:
    assert house.is_served()
    assert house.log.lines_of(Event.CONNECTION_REFUSED) == []


@pytest.mark.req("REQ-NW-02")
def test_a_peer_without_a_certificate_is_turned_away_and_told_so(house: House) -> None:
    # With TLS 1.3 the peer believes itself connected before the door has seen its certificate.
    with (
        house.context(None).wrap_socket(house.connection(), server_hostname="127.0.0.1") as secured,
        pytest.raises(ssl.SSLError, match="ALERT") as told,
    ):
        secured.recv(1)

    assert fault_of(told.value) is TlsFault.REJECTED
    # The peer hears it first.
    eventually(lambda: house.refusals("tls_no_certificate") == 1, what="it is counted")
    assert house.log.lines_of(Event.CONNECTION_REFUSED)[0]["code"] == "tls_no_certificate"


def test_a_peer_without_a_certificate_is_served_where_none_is_required(tmp_path: Path) -> None:
    house = House(tmp_path / "house", require_client_certificate=False)

    association = house.associate(house.context(None))

    assert association.is_established
    association.release()
    house.close()


@pytest.mark.req("REQ-NW-05")
@pytest.mark.parametrize(
    ("say", "code"),
    [
        (lambda link: link.sendall(ASSOCIATE_RQ), "tls_not_spoken"),
        (lambda link: link.sendall(b"GET / HTTP/1.1\r\n\r\n"), "tls_not_spoken"),
        (lambda link: link.shutdown(socket.SHUT_WR), "tls_failed"),
        (lambda link: link.sendall(b"\x16\x03\x01\x00\xa5\x01"), "tls_too_slow"),
        (lambda _link: None, "tls_too_slow"),
    ],
    ids=["plain DICOM", "http", "nothing and good-bye", "half a hello", "silence"],
)
def test_who_does_not_shake_hands_is_let_go_with_every_thread(
    house: House, say: Callable[[socket.socket], None], code: str
) -> None:
    before = door_threads()

    with house.connection() as stranger:
        say(stranger)
        eventually(lambda: house.refusals(code), what="the refusal is counted")
        eventually(lambda: door_threads() <= before, what="no thread stays", patience_seconds=10)

    assert house.is_served()


@pytest.mark.req("REQ-NW-05")
def test_who_dawdles_over_the_handshake_holds_up_nobody(house: House) -> None:
    strangers = [house.connection() for _ in range(20)]

    began = monotonic()
    served = house.is_served()
    took_seconds = monotonic() - began
    for stranger in strangers:
        stranger.close()

    assert served
    assert took_seconds < 4


@pytest.mark.req("REQ-NW-05")
def test_a_handshake_that_is_going_on_does_not_hold_up_the_end(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    before = door_threads()
    with house.connection():
        eventually(lambda: len(door_threads()) > len(before), what="the door shakes hands")

        began = monotonic()
        house.close()

    assert monotonic() - began < 4


def test_a_request_in_several_records_is_one_request(house: House) -> None:
    """A PDU may come in records of any length."""
    secured = house.context(house.authority.issue("peer")).wrap_socket(
        house.connection(), server_hostname="127.0.0.1"
    )
    with secured:
        # Half an association request in a record of its own, then the rest.
        request = b"\x01\x00\x00\x00\x00\x44" + b"\x00\x01\x00\x00" + b"X" * 64
        secured.sendall(request[:10])
        secured.sendall(request[10:])
        kind = secured.recv(1)

    assert kind in {b"\x03", b"\x07"}


@pytest.mark.req("REQ-NW-04")
def test_a_door_whose_key_is_open_to_others_does_not_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    identity = authority.issue("open")
    identity.key.chmod(0o644)

    with pytest.raises(ConfigurationError) as refusal:
        House(tmp_path / "house", **identity.files)

    assert refusal.value.path == "receive.tls.key_file"


BOUND = ({"name": "ct-one", "ae_title": "SCANNER", "certificate_name": "ct1.hospital.example"},)


@pytest.mark.req("REQ-NW-02")
def test_a_title_is_served_only_with_the_certificate_that_is_bound_to_it(tmp_path: Path) -> None:
    """Any peer of the site has a certificate of its authority; one is not another."""
    house = House(tmp_path / "house", BOUND)
    hers = house.authority.issue("ct1", host="ct1.hospital.example")
    others = house.authority.issue("mr1", host="mr1.hospital.example")

    served = house.associate(house.context(hers))
    turned_away = house.associate(house.context(others))

    assert served.is_established
    served.release()
    answer = turned_away.acceptor.primitive
    assert turned_away.is_rejected
    assert answer is not None
    assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 3)
    assert house.refusals("wrong_certificate") == 1
    assert house.log.lines_of(Event.ASSOCIATION_ACCEPTED)[0]["peer"] == "ct-one"
    house.close()


@pytest.mark.req("REQ-NW-02")
def test_a_bound_title_is_not_served_without_a_certificate(tmp_path: Path) -> None:
    house = House(tmp_path / "house", BOUND, require_client_certificate=False)

    association = house.associate(house.context(None))

    assert association.is_rejected
    assert house.refusals("wrong_certificate") == 1
    house.close()
