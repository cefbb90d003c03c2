from typing import Any

import pytest
from pydantic import ValidationError

from deid_node.forward.build import build_destination, build_retry
from deid_node.forward.dimse.cstore import CStoreDestination
from deid_node.forward.folder import FolderDestination
from deid_node.forward.options import CStoreOptions, ForwardOptions, RetryOptions
from deid_node.forward.stow.destination import StowDestination
from deid_node.forward.stow.options import StowOptions
from deid_node.values.retry import RetryPolicy

CSTORE = {"kind": "cstore", "ae_title": "RESEARCH", "host": "127.0.0.1", "port": 11113}


def options(**destinations: Any) -> ForwardOptions:
    return ForwardOptions.model_validate({"destinations": destinations})


def test_the_contract_s_example_is_understood() -> None:
    made = options(archive={**CSTORE, "max_associations": 2, "timeout_seconds": 30})

    archive = made.destinations["archive"]
    assert isinstance(archive, CStoreOptions)
    assert (archive.calling_ae_title, archive.tls) == ("DEIDNODE", None)
    assert build_retry(made.retry) == RetryPolicy(1, 2, 300)


def test_each_kind_becomes_its_destination() -> None:
    made = options(archive=CSTORE, out={"kind": "folder", "dir": "./out"}, cloud=STOW)

    built = {name: build_destination(name, made.destinations[name]) for name in made.destinations}

    assert isinstance(built["archive"], CStoreDestination)
    assert isinstance(built["out"], FolderDestination)
    assert isinstance(built["cloud"], StowDestination)
    assert (built["archive"].name, built["archive"].concurrency) == ("archive", 2)
    for destination in built.values():
        destination.close()


@pytest.mark.parametrize("name", ["Archive", "a b", "", "ü", "a" * 65, "a.b"])
def test_a_name_that_is_no_label_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        options(**{name: CSTORE})


STOW = {"kind": "stow", "url": "https://archive.example/dicom-web"}
BASIC = {"kind": "basic", "user": "node", "password_file": "password"}
OAUTH2 = {"kind": "oauth2", "client_id": "node", "client_secret_file": "secret"}


def test_an_archive_of_the_web_needs_no_more_than_its_address() -> None:
    archive = options(cloud=STOW).destinations["cloud"]

    assert isinstance(archive, StowOptions)
    assert (archive.auth.kind, archive.tls, archive.batch_instances) == ("none", None, 25)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8042", "http://localhost/a", "http://[::1]:8042/a", STOW["url"]],
)
def test_a_secret_may_go_where_nobody_else_reads_it(url: str) -> None:
    archive = options(cloud={**STOW, "url": url, "auth": BASIC}).destinations["cloud"]

    assert isinstance(archive, StowOptions)
    assert archive.auth.kind == "basic"


@pytest.mark.parametrize(
    "wrong",
    [
        {**STOW, "url": "ftp://archive.example"},
        {**STOW, "url": "archive.example"},
        {**STOW, "url": "https://user:password@archive.example"},
        {**STOW, "url": "https://archive.example/?key=1"},
        {**STOW, "url": "https://archive.example:0/"},
        {**STOW, "url": "https://archive.example:99999/"},
        {**STOW, "url": "http://archive.example", "auth": BASIC},
        {**STOW, "url": "http://127.0.0.1", "tls": {}},
        {**STOW, "auth": {**BASIC, "user": "a:b"}},
        {**STOW, "auth": {**BASIC, "password": "x"}},
        {**STOW, "auth": {**OAUTH2, "token_url": "http://login.example/token"}},
        {**STOW, "auth": {"kind": "bearer"}},
        {**STOW, "batch_instances": 26},
        {**STOW, "batch_bytes": 0},
        {**STOW, "transfer_syntaxes": "implicit"},
        {"kind": "ftp"},
        {**CSTORE, "ae_title": "A" * 17},
        {**CSTORE, "ae_title": "   "},
        {**CSTORE, "ae_title": "A\\B"},
        {**CSTORE, "calling_ae_title": "Ä"},
        {**CSTORE, "port": 0},
        {**CSTORE, "host": ""},
        {**CSTORE, "timeout_seconds": 0},
        {**CSTORE, "max_associations": 0},
        {**CSTORE, "tls": {}},
        {**CSTORE, "tls": {"ca_file": "ca.pem", "profile": "basic"}},
        {**CSTORE, "prot": 104},
        {"kind": "folder"},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(archive=wrong)


def test_options_are_values() -> None:
    made = options(archive=CSTORE)

    with pytest.raises(TypeError):
        made.destinations["other"] = made.destinations["archive"]  # type: ignore[index]
    with pytest.raises(ValidationError):
        made.retry = RetryOptions()
    assert ForwardOptions.model_validate(made.model_dump()) == made
    assert ForwardOptions.model_validate_json(made.model_dump_json()) == made


def test_a_cap_below_the_first_wait_is_raised_to_it() -> None:
    assert build_retry(RetryOptions(first_seconds=10, cap_seconds=5)) == RetryPolicy(10, 2, 10)
