"""From options to a workforce; nothing is started yet."""

from typing import assert_never

from deid_node.dicom.tls import expiries
from deid_node.lines.channel import calling_context
from deid_node.pixels.remote.place import SETTING
from deid_node.values.certificate import Certificate
from deid_node.work.workers.base import Workforce
from deid_node.work.workers.options import EngineOptions, LocalOptions, RayOptions
from deid_node.work.workers.process import LocalWorkforce
from deid_node.work.workers.ray import RayWorkforce


def build_workforce(options: EngineOptions, *, at_most: int | None = None) -> Workforce:
    """Return what `options` describe, of no more than `at_most` workers."""
    match options:
        case LocalOptions():
            return LocalWorkforce(options, at_most=at_most)
        case RayOptions():
            return RayWorkforce(options, at_most=at_most)
        case _:
            assert_never(options)


def check_workforce(options: EngineOptions) -> None:
    """Raise `ConfigurationError` where the files that `options` name are of no use."""
    match options:
        case LocalOptions():
            return
        case RayOptions():
            calling_context(options.tls, SETTING)
        case _:
            assert_never(options)


def certificates_of(options: EngineOptions) -> tuple[Certificate, ...]:
    """Return when the certificates that `options` name expire."""
    match options:
        case LocalOptions():
            return ()
        case RayOptions():
            return expiries(options.tls.calling(), "work")
        case _:
            assert_never(options)
