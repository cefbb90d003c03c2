"""The scanner of the demo: a C-STORE client that sends files as they lie on disk."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, _config
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from deid_node.demo.failure import DemoFailed

AE_TITLE: Final = "SCANNER"

_MOST_CONTEXTS: Final = 128
"""Of one association: the ids are the odd numbers of a byte (PS3.8 9.3.2.2)."""

_SILENCE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Sent:
    """A file and the status that came back; None where it was not accepted or not answered."""

    path: Path
    status: int | None


def send(
    paths: Sequence[Path], *, port: int, called: str, calling: str = AE_TITLE
) -> Sequence[Sent]:
    """Send the Part 10 files `paths` to the loopback, in order, and return what was answered.

    The bytes go as they lie in the files, each in its own transfer syntax. More
    than one association is opened where the files need more than 128 contexts.

    Raises
    ------
    DemoFailed
        The association was refused, or broke before the first file of it went.
    """
    answers = []
    for batch, contexts in _batches(paths):
        entity = AE(calling)
        entity.requested_contexts = list(contexts)
        entity.dimse_timeout = entity.network_timeout = _SILENCE_SECONDS
        association = entity.associate("127.0.0.1", port, ae_title=called)
        if not association.is_established:
            raise DemoFailed("the scanner's association was not accepted")
        with _bytes_as_they_are():
            answers += [Sent(path, _stored(association, path)) for path in batch]
        association.release()
    return answers


def _stored(association: Association, path: Path) -> int | None:
    if not association.is_established:
        return None
    try:
        answer = association.send_c_store(path)
    except ValueError:
        # No presentation context for it was accepted.
        return None
    return int(answer.Status) if "Status" in answer else None


def _batches(
    paths: Sequence[Path],
) -> Iterator[tuple[Sequence[Path], Sequence[PresentationContext]]]:
    batch: list[Path] = []
    contexts: dict[tuple[str, str], PresentationContext] = {}
    for path in paths:
        meta = read_file_meta_info(path)
        offer = str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)
        if offer not in contexts and len(contexts) == _MOST_CONTEXTS:
            yield batch, tuple(contexts.values())
            batch, contexts = [], {}
        batch.append(path)
        contexts.setdefault(offer, build_context(*offer))
    if batch:
        yield batch, tuple(contexts.values())


@contextmanager
def _bytes_as_they_are() -> Iterator[None]:
    """Keep the library from decoding and encoding what it sends."""
    before = _config.STORE_SEND_CHUNKED_DATASET
    _config.STORE_SEND_CHUNKED_DATASET = True
    try:
        yield
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = before
