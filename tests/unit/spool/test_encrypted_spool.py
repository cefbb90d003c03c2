"""A spool whose blobs are encrypted: nothing in the clear, the same promises, and the right key."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deid_node.errors import BlobDamaged, ConfigurationError
from deid_node.spool.blobs import intact, reference
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.encryption import MAGIC, SpoolKey
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.spool.options import SpoolOptions
from deid_node.spool.withheld import WorkList
from deid_node.values.identity import InstanceId
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_arrival

KEY = SpoolKey(bytes(range(32)))
ENCRYPTED = BlobFiles(KEY, encrypts=True)
NAME, PREFIX = b"DOE^JANE", b"\x00\x00\x00\x00DICM"
"""Long enough not to stand in an encrypted file by chance."""
CONTENT = b"\x00" * 124 + PREFIX + NAME * 20_000


@contextmanager
def opened(options: SpoolOptions, files: BlobFiles) -> Iterator[Custody]:
    custody = Custody(options, exclusive=True, files=files)
    custody.open()
    try:
        yield custody
    finally:
        custody.close()


def accept(custody: Custody, uid: str = "1.2.3") -> InstanceId:
    return Spool(custody).accept(an_arrival(uid), [CONTENT]).instance.id


def stored(custody: Custody) -> dict[str, bytes]:
    """Return every file of a blob, as the disk has it."""
    blobs = custody.blobs
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for folder in (blobs.partial, blobs.received, blobs.clean)
        for path in folder.iterdir()
    }


def is_veiled(content: bytes) -> bool:
    return PREFIX not in content and NAME not in content and content.startswith(MAGIC)


def test_neither_partial_nor_received_nor_clean_is_in_the_clear(options: SpoolOptions) -> None:
    with opened(options, ENCRYPTED) as custody:
        spool = Spool(custody)
        incoming = spool.begin()
        for begin in range(0, len(CONTENT), 1000):
            incoming.write(CONTENT[begin : begin + 1000])
            assert not any(PREFIX in one or NAME in one for one in stored(custody).values())
        acceptance = spool.accept(an_arrival(), incoming)
        order = spool.claim(acceptance.instance.id)
        assert isinstance(order, WorkOrder)
        file = custody.blobs.files.create(order.output)
        file.write(CONTENT)
        file.finish()
        assert all(map(is_veiled, stored(custody).values()))
        blob = reference(order.output, custody.blobs.files)
        clean = a_clean_instance(
            order.id, type(blob)(f"{order.id}.dcm", blob.size_bytes, blob.sha256)
        )
        spool.record(order, Cleaned(clean))

        files = stored(custody)
        path = Deliveries(custody).clean_path(clean)

        assert sorted(files) == [f"clean/{order.id}.dcm", f"received/{order.id}.dcm"]
        assert all(map(is_veiled, files.values()))
        assert ENCRYPTED.open(order.blob)[:] == ENCRYPTED.open(path)[:] == CONTENT


def test_size_and_sum_are_those_of_the_bytes_that_came(
    options: SpoolOptions, tmp_path: Path
) -> None:
    other = options.model_copy(update={"dir": tmp_path / "plain"})

    with opened(options, ENCRYPTED) as custody, opened(other, PLAIN) as plain:
        arrival = an_arrival()
        blobs = [Spool(one).accept(arrival, [CONTENT]).instance.blob for one in (custody, plain)]
        again = Spool(custody).accept(arrival, [CONTENT])

    assert (blobs[0].size_bytes, blobs[0].sha256) == (blobs[1].size_bytes, blobs[1].sha256)
    assert again.repeated


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: stored[:-1],
        lambda stored: stored[:100_000] + bytes([stored[100_000] ^ 1]) + stored[100_001:],
        lambda _: CONTENT[:-1],
    ],
    ids=["cut", "changed", "another, in the clear"],
)
def test_a_blob_that_is_not_what_was_written_is_not_read(
    options: SpoolOptions, damage: Callable[[bytes], bytes]
) -> None:
    with opened(options, ENCRYPTED) as custody:
        instance = accept(custody)
        path = custody.blobs.received / f"{instance}.dcm"
        path.write_bytes(damage(path.read_bytes()))

        order = Spool(custody).claim(instance)

        assert isinstance(order, WorkOrder)
        assert order.blob_sha256 is not None
        with pytest.raises(BlobDamaged):
            intact(order.blob, order.blob_sha256, ENCRYPTED)


@pytest.mark.parametrize(
    "files", [PLAIN, BlobFiles(SpoolKey(bytes(32)), encrypts=True)], ids=["none", "another"]
)
def test_without_the_key_of_what_it_holds_the_spool_is_not_opened(
    options: SpoolOptions, files: BlobFiles
) -> None:
    with opened(options, ENCRYPTED) as custody:
        instance = accept(custody)

    with pytest.raises(ConfigurationError, match=KEY.id.hex()) as raised, opened(options, files):
        pass

    assert raised.value.path == "spool.encryption_key_file"
    with opened(options, ENCRYPTED) as custody:
        assert isinstance(Spool(custody).claim(instance), WorkOrder)


@pytest.mark.parametrize(
    ("before", "after"),
    [(PLAIN, ENCRYPTED), (ENCRYPTED, BlobFiles(KEY))],
    ids=["switched on", "switched off"],
)
def test_what_waits_is_read_after_the_option_was_switched(
    options: SpoolOptions, before: BlobFiles, after: BlobFiles
) -> None:
    with opened(options, before) as custody:
        old = accept(custody, "1.2.3")

    with opened(options, after) as custody:
        new = accept(custody, "1.2.4")
        orders = [Spool(custody).claim(instance) for instance in (old, new)]

        assert [after.open(order.blob)[:] for order in orders if isinstance(order, WorkOrder)] == [
            CONTENT
        ] * 2
        kinds = [
            is_veiled(custody.blobs.received.joinpath(f"{one}.dcm").read_bytes())
            for one in (old, new)
        ]
        assert kinds == [before.encrypts, after.encrypts]


def test_who_reads_the_list_of_the_withheld_needs_no_key(options: SpoolOptions) -> None:
    with opened(options, ENCRYPTED) as custody:
        accept(custody)
        beside = Custody(options, exclusive=False)
        beside.open()

        assert WorkList(beside).entries() == []
        beside.close()


def test_a_spool_that_is_to_be_encrypted_is_not_held_without(tmp_path: Path) -> None:
    options = SpoolOptions(
        dir=tmp_path, encryption="aes_gcm", encryption_key_file=tmp_path / "spool.key"
    )

    with pytest.raises(ValueError, match="would not be"):
        Custody(options, exclusive=True)


def test_encryption_is_not_asked_for_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="encryption_key_file"):
        SpoolOptions(dir=tmp_path, encryption="aes_gcm")
