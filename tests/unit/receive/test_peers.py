import pytest
from pydantic import ValidationError

from deid_node.receive.options import PeerOptions, ReceiveOptions
from deid_node.receive.peers import ANY_PEER, Peers


def test_without_a_list_any_caller_is_admitted_under_one_name() -> None:
    assert Peers("any").name_of("WHATEVER", "192.0.2.1") == ANY_PEER


@pytest.mark.parametrize(
    ("ae_title", "address", "expected"),
    [
        ("CT1", "10.1.2.3", "ct-one"),
        (" CT1 ", "10.1.2.3", "ct-one"),
        ("CT1", "::ffff:10.1.2.3", "ct-one"),
        ("CT1", "10.2.0.1", None),
        ("MR1", "192.0.2.77", "mr-one"),
        ("ct1", "10.1.2.3", None),
        ("CT1", "not-an-address", None),
        ("", "10.1.2.3", None),
    ],
)
def test_a_caller_is_known_by_ae_title_and_network(
    ae_title: str, address: str, expected: str | None
) -> None:
    peers = Peers(
        (
            PeerOptions(name="ct-one", ae_title="CT1", address="10.1.0.0/16"),
            PeerOptions(name="mr-one", ae_title="MR1"),
        )
    )

    assert peers.name_of(ae_title, address) == expected


@pytest.mark.parametrize("title", ["", " ", "SEVENTEEN_LETTERS", "BACK\\SLASH", "ÜMLAUT", "a\nb"])
def test_an_ae_title_that_no_peer_can_have_is_refused(title: str) -> None:
    with pytest.raises(ValidationError):
        ReceiveOptions(ae_title=title)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        PeerOptions(name="a", ae_title="A", address="10.0.0.0/99")


BOUND = (
    PeerOptions(name="ct-one", ae_title="CT1", certificate_name="CT1.Hospital.example"),
    PeerOptions(name="ct-two", ae_title="CT1", certificate_name="ct2.hospital.example"),
    PeerOptions(name="mr-one", ae_title="MR1"),
)


@pytest.mark.parametrize(
    ("ae_title", "names", "expected"),
    [
        ("CT1", {"ct1.hospital.example"}, "ct-one"),
        ("CT1", {"ct2.hospital.example", "10.1.0.5"}, "ct-two"),
        ("CT1", {"mr1.hospital.example"}, None),
        ("CT1", set(), None),
        ("MR1", set(), "mr-one"),
        ("MR1", {"ct1.hospital.example"}, "mr-one"),
    ],
)
def test_a_peer_with_a_certificate_is_known_by_it(
    ae_title: str, names: set[str], expected: str | None
) -> None:
    assert Peers(BOUND).name_of(ae_title, "10.1.0.5", names) == expected


def test_who_only_lacks_the_certificate_is_told_from_a_stranger() -> None:
    peers = Peers(BOUND)

    assert peers.lacks_certificate("CT1", "10.1.0.5")
    assert not peers.lacks_certificate("XA1", "10.1.0.5")


def test_a_certificate_cannot_be_asked_for_where_none_is_verified() -> None:
    with pytest.raises(ValidationError, match="certificate_name"):
        ReceiveOptions(peers=BOUND)


def test_a_peer_cannot_ask_for_one_that_is_not_listed() -> None:
    peer = PeerOptions(name="pacs", ae_title="PACS", asks_for=("ct-one",))

    with pytest.raises(ValidationError, match="not listed"):
        ReceiveOptions(peers=(peer,))


@pytest.mark.parametrize(
    ("most", "of_address", "quota"),
    [(32, None, 24), (1, None, 1), (2, None, 1), (8, 8, 8), (8, 2, 2), (8, 100, 8)],
)
def test_one_address_does_not_take_every_place(
    most: int, of_address: int | None, quota: int
) -> None:
    options = ReceiveOptions(max_associations=most, max_associations_per_address=of_address)

    assert options.quota == quota
