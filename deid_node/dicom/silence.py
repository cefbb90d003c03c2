"""Libraries that quote patient values are made to hold their tongue.

pydicom and pynetdicom put values into warnings, log lines and exception texts
(an invalid date is printed as it stood). Nothing happens when this module is
imported: the command line and each worker process call `silence_libraries` once.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config

LIBRARIES = (
    *("pydicom", "pynetdicom", "highdicom", "pylibjpeg", "openjpeg", "jpeg_ls", "PIL"),
    # They write down every address that is asked.
    *("httpx2", "httpcore2"),
    "python_multipart",
    "py.warnings",
)


def silence_libraries() -> None:
    """Take their voice from libraries that quote what they read, for the rest of the process.

    Warnings of any origin are dropped (a library may warn in its caller's name,
    so they cannot be told apart), the loggers of `LIBRARIES` lose their handlers
    and write nowhere, and pydicom stops validating values: an invalid value is
    carried or replaced by the plan, not complained about. Calling it twice does
    no harm.
    """
    warnings.simplefilter("ignore")
    logging.captureWarnings(capture=False)
    for logger in _loggers():
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    config.settings.reading_validation_mode = config.IGNORE
    config.settings.writing_validation_mode = config.IGNORE


@contextmanager
def silenced() -> Iterator[None]:
    """Do the same for the length of a ``with`` block, then put all back.

    For tests and tools with one thread: the filters of `warnings` are shared by
    all threads.
    """
    loggers = list(_loggers())
    before = [(lg, list(lg.handlers), lg.propagate, lg.level, lg.disabled) for lg in loggers]
    modes = (config.settings.reading_validation_mode, config.settings.writing_validation_mode)
    with warnings.catch_warnings():
        try:
            silence_libraries()
            yield
        finally:
            for logger, handlers, propagate, level, disabled in before:
                logger.handlers[:] = handlers
                logger.propagate, logger.disabled = propagate, disabled
                logger.setLevel(level)
            config.settings.reading_validation_mode = modes[0]
            config.settings.writing_validation_mode = modes[1]


def _loggers() -> Iterator[logging.Logger]:
    names = set(LIBRARIES)
    names.update(name for name in logging.root.manager.loggerDict if _library(name) in LIBRARIES)
    yield from (logging.getLogger(name) for name in sorted(names))


def _library(name: str) -> str:
    return name if name in LIBRARIES else name.split(".", maxsplit=1)[0]
