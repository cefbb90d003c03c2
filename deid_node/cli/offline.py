"""What ``clean`` and its dry run share: a configuration or none, the corridor, how they end."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deid_node.batch.gentle import GentleFactory
from deid_node.batch.walk import Walk
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory, options_of
from deid_node.spool.files import BlobFiles
from deid_node.work.contracts import CorridorFactory


def configuration(path: Path | None) -> Config:
    """Return the configuration at `path`, or the defaults; raise `ConfigurationError`."""
    if path is not None:
        config = load(path)
    else:
        config = Config()
        sys.stderr.write(
            "deid-node: no configuration: the defaults hold, and a one-time key was made; it is "
            "forgotten at the end, so another run gives other pseudonyms\n"
        )
    for name, treatment in config.treatments.items():
        options_of(treatment, config.metadata, name=name)
    return config


def offline_factory(config: Config, keys: Sequence[bytes], *, gentle: bool) -> CorridorFactory:
    """Return what builds the corridor; a `gentle` one lets everything else go first."""
    # Files of a caller are his: no blobs, and of the mode that he is used to.
    files = BlobFiles(mode=0o666)
    factory = corridor_factory(config, keys=keys, files=files, offline=True)
    return GentleFactory(factory) if gentle else factory


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does: what is in hand is kept, and it can go on."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def tell_passed_over(walk: Walk) -> None:
    """Say what was found and is no input."""
    if walk.indices:
        sys.stderr.write(
            f"deid-node: {walk.indices} DICOMDIR passed over: an index of a folder is no instance\n"
        )
    if walk.passed_over:
        sys.stderr.write(
            f"deid-node: {walk.passed_over} links to folders, and other things that are no files, "
            "passed over\n"
        )
