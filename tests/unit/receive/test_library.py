"""What the door takes of pynetdicom that the library does not promise, all of it in one list.

The door replaces the library's listener, its reading of PDUs and its messages from
inside. A version in which one of these names has gone, or has become something else, would
break it where no error tells so; the dependency is therefore bounded from above.
"""

import ast
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from pynetdicom import AE, _globals
from pynetdicom.association import Association
from pynetdicom.fsm import TRANSITION_TABLE
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationServer, AssociationSocket, RequestHandler

from deid_node.receive import dimse

PRIVATE: Final = MappingProxyType(
    {
        "ae": ("_servers",),
        "association": ("_accepted_cx", "_bind_defaults", "_serve_request", "_server"),
        "dul": (
            "_decode_pdu", "_idle_timer", "_kill_thread", "_read_pdu_data", "_run_loop_delay",
        ),
        "handler": ("_create_association",),
        "primitive": ("_presentation_data_value_list",),
        "server": ("_bind_defaults",),
        "socket": ("_is_connected", "_shutdown_socket"),
    }
)  # fmt: skip
"""Names that begin with an underscore."""

UNDOCUMENTED: Final = MappingProxyType(
    {
        "association": ("acse", "dimse", "dul", "get_handlers", "kill", "set_socket"),
        "dimse": ("message", "msg_queue", "receive_primitive"),
        "dul": (
            "event_queue", "idle_timer_expired", "kill_dul", "socket", "state_machine",
            "to_provider_queue", "to_user_queue",
        ),
        "machine": ("current_state", "do_action"),
        "server": ("request_queue_size", "serve_forever", "shutdown", "verify_request"),
        "socket": ("close", "event_queue", "ready", "recv", "send", "socket"),
    }
)  # fmt: skip
"""Names that stand in no page of the library's reference."""

# Of a class of our own that derives from none of the library's.
OURS: Final = frozenset({"_ae_title"})


@pytest.fixture
def library() -> Iterator[Mapping[str, object]]:
    """One of each of the library's parts that the door works on."""
    entity = AE("DEIDNODE")
    association = Association(entity, _globals.MODE_ACCEPTOR)
    left, right = socket.socketpair()
    with left, right:
        yield {
            "ae": entity,
            "association": association,
            "dimse": association.dimse,
            "dul": association.dul,
            "handler": RequestHandler,
            "machine": association.dul.state_machine,
            "primitive": P_DATA(),
            "server": AssociationServer,
            "socket": AssociationSocket(association, client_socket=left),
        }


@pytest.mark.parametrize("names", [PRIVATE, UNDOCUMENTED], ids=["private", "undocumented"])
def test_the_installed_version_has_every_name(
    names: Mapping[str, tuple[str, ...]], library: Mapping[str, object]
) -> None:
    missing = [
        f"{part}.{name}"
        for part, wanted in names.items()
        for name in wanted
        if not hasattr(library[part], name)
    ]

    assert not missing


def test_the_list_has_every_private_name_that_the_door_uses(library: Mapping[str, object]) -> None:
    theirs = {name for part in library.values() for name in dir(part) if _is_private(name)}

    used = {name for path in Path(*dimse.__path__).glob("*.py") for name in _names_in(path)}

    listed = {name for names in PRIVATE.values() for name in names}
    assert (used & theirs) - OURS == listed


def test_the_events_and_states_are_those_of_the_standard() -> None:
    """Evt10 is data, Evt17 the end of the connection, Sta6 the state of data (PS3.8 9.2)."""
    assert TRANSITION_TABLE["Evt10", "Sta6"] == "DT-2"
    assert TRANSITION_TABLE["Evt17", "Sta6"] == "AA-4"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _names_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) if _is_private(name):
                yield name
            case _:
                pass
