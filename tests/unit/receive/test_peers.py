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
