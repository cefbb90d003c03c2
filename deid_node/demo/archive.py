"""The research archive of the demo: writes each instance as received, nothing more."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.events import Event as Message

AE_TITLE: Final = "RESEARCH"


@contextmanager
def running_archive(folder: Path) -> Iterator[int]:
    """Run an archive on a free loopback port for the length of a ``with`` block; give the port.

    Each instance becomes one file in the new folder `folder`, named at random:
    its name says nothing of where it came from.
    """
    folder.mkdir()

    def store(message: Message) -> int:
        path = folder / f"{secrets.token_hex(8)}.dcm"
        path.write_bytes(message.encoded_dataset())
        return 0x0000

    entity = AE(AE_TITLE)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), AllTransferSyntaxes)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    if server is None:
        raise TypeError("a server that was told not to block has no handle")
    try:
        yield int(server.server_address[1])
    finally:
        entity.shutdown()
