import pytest

from deid_node import errors
from deid_node.receive.status import StoreStatus, status_of


def _leaves(root: type[errors.DeidNodeError]) -> list[type[errors.DeidNodeError]]:
    below = [leaf for child in root.__subclasses__() for leaf in _leaves(child)]
    return below or [root]


@pytest.mark.parametrize(
    "error",
    [*_leaves(errors.CustodyError), *_leaves(errors.ReceiveError)],
    ids=lambda e: e.__name__,
)
def test_every_error_of_the_door_has_its_own_place_in_the_table(
    error: type[errors.DeidNodeError],
) -> None:
    assert status_of(error("text")) is not StoreStatus.SUCCESS


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SpoolFull("x"), 0xA700),
        (errors.SpoolUnavailable("x"), 0xA700),
        (errors.PeerNotAuthorised("x"), 0x0124),
        (errors.DatasetMismatch("x"), 0xA900),
        (errors.DatasetUnreadable("x"), 0xC000),
        (errors.SyntaxNotTaken("x"), 0xC122),
        (errors.BlobDamaged("x"), 0x0110),
        (RuntimeError("x"), 0x0110),
        (MemoryError(), 0x0110),
    ],
)
def test_the_sender_hears_the_status_of_the_standard(error: Exception, status: int) -> None:
    assert status_of(error) == status
