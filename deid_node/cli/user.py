"""``deid-node user``: one line for the file of users, its passcode hashed."""

import argparse
import getpass
import sys

from deid_node.cli.arguments import Commands
from deid_node.cli.status import ExitStatus
from deid_node.errors import InputError
from deid_node.receive.users import user_line
from deid_node.review.accounts import Role, account_line


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "user",
        help="print a line for receive.user_identity.users_file or review.users_file,"
        " its passcode hashed",
    )
    parser.add_argument("name", metavar="NAME", help="the user name that will be shown")
    parser.add_argument(
        "--role",
        choices=[role.value for role in Role],
        help="of a person at the review desk; without it the line is for a sender",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask for the passcode, or read it from standard input, and print the line."""
    if sys.stdin.isatty():
        passcode = getpass.getpass("Passcode: ")
        if getpass.getpass("Again: ") != passcode:
            raise InputError("the two passcodes differ")
    else:
        passcode = sys.stdin.readline().rstrip("\n")
    if not passcode:
        raise InputError("a passcode must be given, at the terminal or on standard input")
    try:
        line = (
            user_line(arguments.name, passcode)
            if arguments.role is None
            else account_line(arguments.name, Role(arguments.role), passcode)
        )
        sys.stdout.write(line + "\n")
    except ValueError as error:
        raise InputError(str(error)) from None
    return ExitStatus.DONE
