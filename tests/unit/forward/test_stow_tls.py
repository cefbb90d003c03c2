"""TLS to an archive of the web: who it is, and who we are."""

import ssl
from pathlib import Path

import pytest

from deid_node.dicom.tls import server_tls
from deid_node.dicom.tls_options import ServerTlsOptions
from deid_node.errors import ConfigurationError, DestinationUnavailable
from deid_node.forward.build import build_destination, certificates_of, check_destination
from deid_node.values.delivery import DeliveryResult
from tests.fakes.certificates import Authority, Identity
from tests.fakes.peer_parcels import a_parcel, dataset_bytes
from tests.fakes.stow_sending import stow, stowing_to
from tests.fakes.web_archive import WebArchive


def context(authority: Authority, *, asks: bool = False, name: str = "archive") -> ssl.SSLContext:
    own = authority.issue(name)
    options = ServerTlsOptions.model_validate(
        {**own.files, "ca_file": authority.file, "require_client_certificate": asks}
    )
    return server_tls(options, "receive.tls")


def test_an_archive_that_a_trusted_authority_knows_is_sent_to(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    parcel = a_parcel(tmp_path, rows=3000)

    with (
        WebArchive(tls=context(authority)) as archive,
        stowing_to(archive.url, tls={"ca_file": authority.file}) as destination,
    ):
        receipts = [one for _ in range(2) for one in destination.deliver([parcel])]

    assert {one.result for one in receipts} == {DeliveryResult.DELIVERED}
    assert archive.datasets() == {parcel.instance.sop_instance_uid: dataset_bytes(parcel.path)}
    assert archive.connections == 1


def test_an_archive_that_asks_for_a_certificate_gets_ours(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    own = authority.issue("node")
    tls = {"ca_file": authority.file, **own.files}

    with (
        WebArchive(tls=context(authority, asks=True)) as archive,
        stowing_to(archive.url, tls=tls) as destination,
    ):
        receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert [one.result for one in receipts] == [DeliveryResult.DELIVERED]


@pytest.mark.parametrize("kind", ["none", "of another authority"])
def test_an_archive_that_does_not_want_us_is_not_sent_to(kind: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    tls: dict[str, object] = {"ca_file": authority.file}
    if kind != "none":
        tls |= Authority(tmp_path / "other").issue("node").files

    with (
        WebArchive(tls=context(authority, asks=True)) as archive,
        stowing_to(archive.url, tls=tls) as destination,
        pytest.raises(DestinationUnavailable, match="TLS"),
    ):
        list(destination.deliver([a_parcel(tmp_path)]))

    assert archive.asked == []


@pytest.mark.parametrize("trouble", ["another authority", "the system's", "another host"])
def test_an_archive_that_may_be_another_gets_nothing(trouble: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server = context(authority)
    tls: dict[str, object] | None = {"ca_file": authority.file}
    if trouble == "another authority":
        tls = {"ca_file": Authority(tmp_path / "other").file}
    elif trouble == "the system's":
        tls = None
    else:
        wrong: Identity = authority.issue("wrong", host="archive.example")
        server.load_cert_chain(wrong.certificate, wrong.key)

    with (
        WebArchive(tls=server) as archive,
        stowing_to(archive.url, tls=tls) as destination,
        pytest.raises(DestinationUnavailable, match=r"TLS: .*certificate"),
    ):
        list(destination.deliver([a_parcel(tmp_path)]))

    assert archive.asked == []


def test_a_certificate_that_is_renewed_is_shown_on_the_next_connection(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    own = Authority(tmp_path / "other").issue("node")
    good = authority.issue("good")
    tls = {"ca_file": authority.file, **own.files}

    with (
        WebArchive(tls=context(authority, asks=True)) as archive,
        stowing_to(archive.url, tls=tls) as destination,
    ):
        with pytest.raises(DestinationUnavailable):
            list(destination.deliver([a_parcel(tmp_path)]))
        own.certificate.write_bytes(good.certificate.read_bytes())
        own.key.write_bytes(good.key.read_bytes())
        receipts = list(destination.deliver([a_parcel(tmp_path)]))

    assert [one.result for one in receipts] == [DeliveryResult.DELIVERED]


def test_a_file_of_tls_that_cannot_be_used_is_named_by_its_setting(tmp_path: Path) -> None:
    options = stow("https://127.0.0.1/dicom-web", tls={"ca_file": tmp_path / "none.pem"})

    for act in (
        lambda: check_destination("cloud", options, ae_titles={"DEIDNODE"}),
        lambda: build_destination("cloud", options),
    ):
        with pytest.raises(ConfigurationError) as raised:
            act()

        assert raised.value.path == "forward.destinations.cloud.tls.ca_file"


def test_certificates_are_those_of_its_files_and_the_system_s_are_not_ours(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path / "ca")
    named = stow("https://127.0.0.1", tls={"ca_file": authority.file})
    system = stow("https://127.0.0.1")

    assert [(one.part, one.setting) for one in certificates_of("cloud", named)] == [
        ("forward_cloud", "ca_file")
    ]
    assert certificates_of("cloud", system) == ()
