"""From options to the desk; web libraries are imported here, and only where one is configured."""

import hmac
import ssl
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deid_node.dicom.tls import client_tls, expiries, server_tls
from deid_node.dicom.tls_options import ServerTlsOptions, WebTlsOptions
from deid_node.errors import ConfigurationError
from deid_node.machine import read_private
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.review.accounts import Accounts
from deid_node.review.oidc_options import OidcOptions
from deid_node.review.options import ReviewOptions
from deid_node.spool.custody import Custody
from deid_node.spool.decisions import Verb
from deid_node.spool.proposals import Proposals
from deid_node.spool.samples import Drawing
from deid_node.spool.staged import Desk
from deid_node.values.certificate import Certificate
from deid_node.values.identity import InstanceId

if TYPE_CHECKING:
    from deid_node.review.looker import Looker
    from deid_node.review.oidc import Provider
    from deid_node.review.server import ReviewServer
    from deid_node.review.status_pages import StatusSource

TLS_PATH: Final = "review.tls"
_SECRET_PATH: Final = "review.oidc.client_secret_file"  # noqa: S105 - a setting's name
_LIBRARIES: Final = ("authlib", "httpx2", "jinja2", "joserfc", "starlette", "uvicorn")


_LETS_OUT: Final = frozenset({Verb.FILL, Verb.NO_TEXT, Verb.RELEASE})
_SECOND: Final[Mapping[str, frozenset[Verb]]] = MappingProxyType(
    {"none": frozenset(), "let_through": _LETS_OUT, "everything": _LETS_OUT | {Verb.DISCARD}}
)
"""What another person must agree to; to put aside changes nothing."""


def build_review(
    options: ReviewOptions | None,
    custody: Custody,
    looker: "Callable[[], Looker]",
    offer: Callable[[InstanceId, str], object],
    *,
    regions: Callable[[], Sequence[DeviceRegionsOptions]] = lambda: (),
    regions_file: Callable[[], Path | None] = lambda: None,
    metrics: Metrics,
    log: EventLog,
    status: "StatusSource",
    reload: Callable[[], None],
) -> "ReviewServer | None":
    """Return the desk over `custody`, not started, None where none is asked for.

    `looker` builds, in a process of its own, what makes pictures; `offer` lets an instance
    wait for a worker. `regions` are the fixed ones of the configuration that is in force, and
    `regions_file` is where those lie that are accepted. `status` knows how the node is, and
    `reload` has its configuration read anew. Raises `ConfigurationError`.
    """
    if options is None:
        return None
    check_review(options)
    from deid_node.review.checked import RoleCheck
    from deid_node.review.device_pages import DevicePages
    from deid_node.review.devices import Devices
    from deid_node.review.oidc_pages import LOGIN_PATH, OidcPages
    from deid_node.review.pages import Pages, PartOfDesk
    from deid_node.review.renderer import Renderer
    from deid_node.review.rendering import Rendering
    from deid_node.review.server import ReviewServer
    from deid_node.review.service import Service
    from deid_node.review.sessions import Sessions
    from deid_node.review.signing import SigningPages
    from deid_node.review.status_pages import StatusPages
    from deid_node.review.throttle import Throttle

    tls = build_tls(options)
    devices = Devices(Proposals(custody), regions, regions_file)
    service = Service(
        Desk(custody),
        Renderer(
            looker,
            memory_limit_bytes=options.memory_limit_bytes,
            picture_seconds=options.picture_seconds,
            log=log,
        ),
        devices,
        offer,
        undo_seconds=options.undo_seconds,
        series_sample=options.series_sample,
        needs_second=_SECOND[options.second_reader],
        metrics=metrics,
        log=log,
    )
    sessions = Sessions(idle_seconds=options.idle_seconds, session_seconds=options.session_seconds)
    rendering = Rendering()
    provider, throttle, is_secure = _provider(options), Throttle(), tls is not None
    signing = SigningPages(
        None if options.users_file is None else Accounts.read(options.users_file),
        sessions,
        throttle,
        rendering,
        is_secure=is_secure,
        log=log,
        oidc=None if provider is None else LOGIN_PATH,
        goodbye=(lambda: None) if provider is None else provider.goodbye,
    )
    about = StatusPages(status, reload, rendering.page, log=log)
    others: list[PartOfDesk] = [signing, about, DevicePages(devices, service, rendering)]
    if provider is not None:
        others.append(
            OidcPages(provider, signing.let_in, throttle, rendering, is_secure=is_secure, log=log)
        )
    pages = Pages(service, others, rendering, RoleCheck(rendering, log))
    return ReviewServer(options.host, options.port, pages, service, sessions, tls=tls, log=log)


def drawing_of(options: ReviewOptions | None, key: bytes) -> Drawing | None:
    """Return which delivered instances are drawn for a look, None where none is; `key` is secret.

    It says nothing of a patient, and nobody can tell without it which are drawn.
    """
    if options is None or not options.sample_per_thousand:
        return None
    own = hmac.digest(key, b"which delivered instances are looked at", "sha256")
    return Drawing(
        own, options.sample_per_thousand, options.sample_keep_seconds, options.sample_most
    )


def check_review(options: ReviewOptions) -> None:
    """Check libraries, users, provider and certificate; raise `ConfigurationError`.

    The provider itself is not asked: the desk opens also while it is away.
    """
    if any(find_spec(name) is None for name in _LIBRARIES):
        raise ConfigurationError("review", "the desk needs deid-node[review] to be installed")
    if options.users_file is not None:
        Accounts.read(options.users_file)
    if options.oidc is not None:
        secret = read_private(options.oidc.client_secret_file, setting=_SECRET_PATH)
        if not secret.strip() or not secret.isascii():
            raise ConfigurationError(_SECRET_PATH, "holds no secret of a client")
        _oidc_tls(options.oidc)
    build_tls(options)


def _provider(options: ReviewOptions) -> "Provider | None":
    from deid_node.review.oidc import Provider

    return None if options.oidc is None else Provider(options.oidc, _oidc_tls(options.oidc))


def _oidc_tls(options: OidcOptions) -> ssl.SSLContext:
    return client_tls(WebTlsOptions(ca_file=options.ca_file), "review.oidc")


def build_tls(options: ReviewOptions) -> ssl.SSLContext | None:
    """Return the context of the desk, None where it is plain; raise `ConfigurationError`."""
    tls = _server_options(options)
    return None if tls is None else server_tls(tls, TLS_PATH)


def certificates_of(options: ReviewOptions | None) -> tuple[Certificate, ...]:
    """Return when the certificate of the desk expires; call it after `build_tls`."""
    return expiries(None if options is None else _server_options(options), "review")


def _server_options(options: ReviewOptions) -> ServerTlsOptions | None:
    """Return the TLS of the desk, which asks no browser for a certificate."""
    if options.tls is None:
        return None
    return ServerTlsOptions(
        certificate_file=options.tls.certificate_file,
        key_file=options.tls.key_file,
        require_client_certificate=False,
    )
