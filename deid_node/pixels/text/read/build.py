"""Options of a reader to the reader and its check: all that others ask this family."""

from typing import assert_never

from deid_node.pixels.text.read.base import Reader
from deid_node.pixels.text.read.options import CrnnReaderOptions, ReaderOptions
from deid_node.pixels.text.weights import READER


def build_reader(options: ReaderOptions, *, threads: int = 1) -> Reader:
    """Return the reader that `options` name, its model loaded.

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
        case CrnnReaderOptions():
            # onnxruntime is heavy: a machine that only checks a configuration goes without.
            from deid_node.pixels.text.read.crnn import CrnnReader

            return CrnnReader(options, threads=threads)
        case _:
            assert_never(options)


def check_reader(options: ReaderOptions) -> None:
    """Raise `ConfigurationError` where the weights that `options` name cannot be read.

    Nothing is loaded: a machine without onnxruntime can check.
    """
    match options:
        case CrnnReaderOptions():
            READER.read(options.model_file)
        case _:
            assert_never(options)
