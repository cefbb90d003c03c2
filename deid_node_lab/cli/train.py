"""``deid-node train`` and ``export``: make the models again from images."""

import argparse
import importlib
import sys
from types import MappingProxyType

from deid_node.cli.arguments import Commands
from deid_node.errors import InputError

_MODELS = ("finder", "reader", "inpainter")
_TOOLS = MappingProxyType(
    {
        ("train", "finder"): "deid_node_lab.training.finder",
        ("train", "reader"): "deid_node_lab.training.reader",
        ("train", "inpainter"): "deid_node_lab.training.inpainter",
        ("export", "finder"): "deid_node_lab.training.ship",
        ("export", "reader"): "deid_node_lab.training.ship_reader",
        ("export", "inpainter"): "deid_node_lab.training.ship_inpainter",
    }
)


def add(commands: Commands) -> None:
    """Describe the two commands; what they take is described by the training itself."""
    for verb, meaning in (
        ("train", "train a model from images (docs/models.md)"),
        ("export", "write a trained model as it ships"),
    ):
        parser = commands.add_parser(verb, help=meaning, add_help=False)
        parser.add_argument("model", choices=_MODELS)
        parser.add_argument("rest", nargs=argparse.REMAINDER)
        parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Hand the arguments on to the training, which needs the extra ``train``."""
    try:
        tool = importlib.import_module(_TOOLS[arguments.command, arguments.model])
    except ModuleNotFoundError as error:
        extras = "cpu,diffusion,train"
        raise InputError(f"{error.name} is missing: install deid-node[{extras}]") from None
    sys.argv[0] = f"deid-node {arguments.command} {arguments.model}"
    return int(tool.main(arguments.rest))
