"""``deid-node check``: whether the configuration is valid and what it points to is there."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from deid_node.checks import accepted_regions, check_all, plans_of
from deid_node.cli.arguments import Commands, add_config
from deid_node.cli.status import ExitStatus
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.dicom.tls_options import ServerTlsOptions
from deid_node.errors import DestinationUnavailable
from deid_node.forward.build import call_destination
from deid_node.pixels.fill.build import no_model, uses_model
from deid_node.pixels.fill.options import FillPolicy
from deid_node.pixels.text.regions_file import covered
from deid_node.receive.options import ReceiveOptions


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "check", help="validate the configuration and everything it points to"
    )
    add_config(parser)
    parser.add_argument(
        "--call", action="store_true", help="ask each destination whether it answers, too"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Name the first fault by its YAML path, or say that there is none, and what stays."""
    config = load(arguments.config)
    check_all(config)
    sys.stdout.write(
        f"valid: {len(config.route.rules)} rules, {len(config.treatments)} treatments, "
        f"{len(config.forward.destinations)} destinations\n"
    )
    sys.stdout.writelines(f"{line}\n" for line in _listening(config.receive))
    for name, treatment in config.treatments.items():
        if treatment.keep:
            listed = "  ".join(treatment.keep)
            sys.stdout.write(f"treatment {name} keeps burned-in lines that match: {listed}\n")
    for line in covered(accepted_regions(config)):
        sys.stdout.write(f"pixels.regions_file: {line}\n")
    lacking = no_model() if config.pixels.inpainter.weights_dir is None else None
    for name, treatment in config.treatments.items():
        if treatment.fill is FillPolicy.AUTO and uses_model(treatment.fill) and lacking:
            sys.stdout.write(f"treatment {name} fills anatomy by Telea: {lacking}\n")
    for weakening in sorted({one for plan in plans_of(config) for one in plan.weakenings}):
        table = "; Table E.1-1 asks for more" if weakening.against_table else ""
        sys.stdout.write(
            f"metadata.additions weakens {weakening.keyword}: "
            f"{weakening.after.letter} instead of {weakening.before.letter}{table}\n"
        )
    for kept in config.metadata.safe_private:
        sys.stdout.write(f"metadata.safe_private keeps ({kept.attribute}) of {kept.creator}\n")
    if arguments.call and not _all_answer(config):
        return ExitStatus.MISUSE
    return ExitStatus.DONE


def _all_answer(config: Config) -> bool:
    """Say of each destination whether it answers; nothing is sent to it."""
    all_answer = True
    for name, options in config.forward.destinations.items():
        try:
            call_destination(name, options)
        except DestinationUnavailable as error:
            all_answer = False
            sys.stdout.write(f"destination {name} does not answer: {error}\n")
        else:
            sys.stdout.write(f"destination {name} answers\n")
    return all_answer


def _listening(receive: ReceiveOptions) -> Iterator[str]:
    """Yield a line for each port that is to listen for senders."""
    for one in receive.listening:
        own = one.options
        name = f" ({one.name})" if one.name else ""
        yield (
            f"listens on {own.host}:{own.port}{name}: {_spoken(own.tls)}, as {own.ae_title}, "
            f"for {_whom(own.peers)}, {own.max_associations} associations at once"
        )
    stow = receive.stow
    if stow is not None:
        yield (
            f"listens on {stow.host}:{stow.port} (stow): {_spoken(stow.tls)}, "
            f"STOW-RS at {stow.path}/studies, for {_whom(stow.peers)}, "
            f"{stow.max_requests} requests at once"
        )


def _spoken(tls: ServerTlsOptions | None) -> str:
    return "TLS" if tls else "plain"


def _whom(peers: str | Sequence[object]) -> str:
    return "anybody" if peers == "any" else f"{len(peers)} peers"
