"""How much memory a process holds that sends one large instance by STOW-RS.

``python -m tests.bench.large FOLDER URL`` is that process: it sends a small instance first,
then each of the files in FOLDER, and prints its height after each.
"""

import os
import socket
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from deid_node.dicom.web.store_answer import StoreAnswer, Stored, json_of
from deid_node.forward.base import Parcel
from deid_node.forward.stow.destination import StowDestination
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import BlobFiles
from deid_node.values.delivery import DeliveryResult
from deid_node.values.identity import new_instance_id
from deid_node.values.instance import BlobRef
from tests.bench.table import memory_megabytes
from tests.builders.values import a_clean_instance
from tests.fakes.stow_sending import stow

MEGABYTES = (1, 50, 450, 1000)
UID = "2.25.1"
_KEY = b"a key of 32 bytes for the bench!"
_PIECE_BYTES = 1 << 20


def measure_large(folder: Path, *, rounds: int, each: int) -> None:
    """Print seconds and the height of the sender's memory for each size, both kinds of blobs."""
    for encrypts in (False, True):
        place = folder / ("encrypted" if encrypts else "plain")
        place.mkdir()
        files = BlobFiles(SpoolKey(_KEY), encrypts=encrypts)
        for size in MEGABYTES:
            file = files.create(place / f"{size:04}")
            for _ in range(size):
                file.write(os.urandom(_PIECE_BYTES))
            file.finish()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_swallow, args=(listener,), daemon=True)
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            print(f"{place.name}:")
            command = [sys.executable, "-m", "tests.bench.large", str(place), url]
            subprocess.run(command, check=True)
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _swallow(listener: socket.socket) -> None:
    """Take requests one after the other, keep nothing of them, and say that all was stored."""
    content = json_of(StoreAnswer((Stored("1.2", UID),)))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as reader:
            while reader.readline():
                length = 0
                while (line := reader.readline().strip()) != b"":
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                while length:
                    length -= len(reader.read(min(length, _PIECE_BYTES)))
                connection.sendall(answer)


def _send(folder: Path, url: str) -> None:
    with closing(StowDestination("archive", stow(url), BlobFiles(SpoolKey(_KEY)))) as destination:
        for path in sorted(folder.iterdir()):
            size = path.stat().st_size
            instance = a_clean_instance(new_instance_id(), BlobRef(path.name, size, "00"))
            parcel = Parcel(replace(instance, sop_instance_uid=UID), path)
            began = perf_counter()
            (receipt,) = destination.deliver([parcel])
            seconds = perf_counter() - began
            assert receipt.result is DeliveryResult.DELIVERED
            now, most = memory_megabytes(os.getpid())
            print(
                f"  {int(path.name):5} MB  {seconds:6.2f} s  {now:5.0f} MB, at most {most:5.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    _send(Path(sys.argv[1]), sys.argv[2])
