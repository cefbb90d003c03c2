"""The spool of a node, opened beside it, and the names that its studies have under each key."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deid_node.checks import blob_files
from deid_node.config.schema import Config
from deid_node.corridor import keys_of
from deid_node.errors import InputError
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.spool.custody import Custody


@contextmanager
def opened_beside(config: Config) -> Iterator[Custody]:
    """Give the custody of `config`, whether a node runs on it or not; raise `InputError`."""
    if not config.spool.dir.is_dir():
        raise InputError("the configured spool does not exist yet")
    custody = Custody(config.spool, exclusive=False, files=blob_files(config))
    custody.open()
    try:
        yield custody
    finally:
        custody.close()


def uids_under_each_key(config: Config) -> Callable[[str], frozenset[str]]:
    """Return what gives a UID as sent its new ones: one for the key of each treatment.

    The keys are read once. Raises `ConfigurationError`.
    """
    keys = [Pseudonyms(key) for key in set(keys_of(config).values())]
    return lambda uid: frozenset(one.uid(uid) for one in keys)
