"""Options of a finder to the finder, its check and its name: all that others ask this family."""

from typing import assert_never

from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.options import CrnnOptions, FinderOptions
from deid_node.pixels.text.weights import FINDER, crnn_name


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


def check_finder(options: FinderOptions) -> None:
    """Raise `ConfigurationError` where the weights that `options` name cannot be read.

    Nothing is loaded: a machine without onnxruntime can check.
    """
    match options:
        case CrnnOptions():
            FINDER.read(options.model_file)
        case _:
            assert_never(options)


def finder_name(options: FinderOptions) -> str:
    """Return the name of the finder that `options` name; raises `ConfigurationError`."""
    match options:
        case CrnnOptions():
            return crnn_name(FINDER.read(options.model_file))
        case _:
            assert_never(options)
