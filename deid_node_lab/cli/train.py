"""``deid-lab train`` and ``export``: make the models again from images."""

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
        kinds = commands.add_parser(verb, help=meaning).add_subparsers(
            dest="model", required=True, metavar="MODEL"
        )
        for model in _MODELS:
            # No argument begins with this prefix: options too are handed on as they are.
            parser = kinds.add_parser(model, help=f"the {model}", add_help=False, prefix_chars="\0")
            parser.add_argument("rest", nargs=argparse.REMAINDER)
            parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Hand the arguments on to the training, which needs the extra ``train``."""
    try:
        tool = importlib.import_module(_TOOLS[arguments.command, arguments.model])
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is missing: install deid-node[cpu,diffusion] deid-node-lab[train]"
        ) from None
    sys.argv[0] = f"{arguments.program} {arguments.command} {arguments.model}"
    return int(tool.main(arguments.rest))
