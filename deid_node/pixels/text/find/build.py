"""Options of a finder to the finder."""

from typing import assert_never

from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.options import CrnnOptions, FinderOptions


def build_finder(options: FinderOptions, *, threads: int = 1) -> Finder:
    """Return the finder that `options` name, its model loaded.

    Parameters
    ----------
    options
        What the configuration says.
    threads
        Processor threads of one call. Several workers on one machine share its cores.

    Raises
    ------
    ConfigurationError
        The model file is missing, is no model of this make, or the device is not there.
    """
    match options:
        case CrnnOptions():
            # onnxruntime is heavy: a machine that only checks a configuration goes without.
            from deid_node.pixels.text.find.crnn import CrnnFinder

            return CrnnFinder(options, threads=threads)
        case _:
            assert_never(options)
