"""Whether what a configuration points to is there, and fits: everything a start would stumble on.

The schema has seen the file alone. Here rules are compiled, keys and certificates
read, models looked for and names resolved; nothing is opened, and nothing is left.
"""

from collections.abc import Sequence
from pathlib import Path

from deid_node.audit import build as audit_build
from deid_node.config.schema import Config
from deid_node.corridor import keys_of, marks_filled, options_of
from deid_node.errors import ConfigurationError, InputError, RegionsUnreadable
from deid_node.forward import build as forward_build
from deid_node.machine import require_writable
from deid_node.metadata.apply.keys import KEY_PATH, fingerprint_of, read_key_file
from deid_node.metadata.build import build_scrubber, plan_of, require_key_file
from deid_node.metadata.plan.plan import Plan
from deid_node.notify.build import build_channels
from deid_node.observe.labels import ConfiguredNames
from deid_node.pixels.fill.build import build_inpainter, build_painter
from deid_node.pixels.text.device_regions import DeviceRegionsOptions
from deid_node.pixels.text.evidence import evidence_of
from deid_node.pixels.text.find.build import check_finder
from deid_node.pixels.text.read.build import check_reader
from deid_node.pixels.text.regions_file import RegionsFile
from deid_node.receive import build as receive_build
from deid_node.review import build as review_build
from deid_node.route.build import compile_router
from deid_node.spool.custody import Custody
from deid_node.spool.encryption import SpoolKey
from deid_node.spool.files import KEY_SETTING, BlobFiles
from deid_node.spool.key_mark import KeyMark
from deid_node.values.certificate import Certificate
from deid_node.work.workers import build as work_build


def check_all(config: Config) -> None:
    """Check what the schema cannot see: rules, keys, tables, models, names of destinations.

    Raises `ConfigurationError` with the YAML path of the first fault.
    """
    destinations = config.forward.destinations
    compile_router(
        config.route,
        treatments=config.treatments,
        destinations=destinations,
        listeners=config.receive.listener_names,
    )
    receive_build.check_reception(config.receive)
    evidence_of(config.pixels.finder)
    check_finder(config.pixels.finder)
    check_reader(config.pixels.reader)
    accepted_regions(config)
    painter = build_painter(config.pixels.inpainter)
    for (name, treatment), key in zip(
        config.treatments.items(), keys_of(config).values(), strict=True
    ):
        chosen = options_of(treatment, config.metadata, name=name)
        build_scrubber(config.metadata, chosen, key=key, project=treatment.project, treatment=name)
        build_inpainter(treatment.fill, painter)
        marks_filled(treatment, name=name)
    titles = receive_build.ae_titles(config.receive)
    for name, options in destinations.items():
        forward_build.check_destination(name, options, ae_titles=titles)
    require_crosswalks_apart(config)
    require_writable(config.spool.dir, path="spool.dir")
    if config.review is not None:
        review_build.check_review(config.review)
    blob_files(config)
    build_channels(config.notify)
    audit_build.check_audit(config.audit)
    work_build.check_workforce(config.work.engine)


def accepted_regions(config: Config) -> Sequence[DeviceRegionsOptions]:
    """Return the rules in the file of fixed regions, if one is named; `ConfigurationError`."""
    path = config.pixels.regions_file
    if path is None:
        return ()
    try:
        return RegionsFile(path).current()
    except RegionsUnreadable as error:
        raise ConfigurationError("pixels.regions_file", str(error)) from None


def require_crosswalks_apart(config: Config) -> None:
    """Return if no two keys write to one crosswalk: an old identifier would have two new ones.

    Raises `ConfigurationError`.
    """
    writers: dict[Path, bytes] = {}
    for name, key in keys_of(config).items():
        project = config.treatments[name].project
        crosswalk = project.over(config.metadata).crosswalk
        if crosswalk.enabled and writers.setdefault(crosswalk.file.resolve(), key) != key:
            setting = project.path_of("crosswalk", treatment=name)
            raise ConfigurationError(
                f"{setting}.file", "a treatment under another key writes to it already"
            )


def plans_of(config: Config, *, only: str | None = None) -> Sequence[Plan]:
    """Return the plan of each treatment, or of the one that `only` names."""
    if only is not None and only not in config.treatments:
        raise InputError("the configuration has no treatment of that name")
    return [
        plan_of(
            treatment.project.over(config.metadata),
            options_of(treatment, config.metadata, name=name),
        )
        for name, treatment in config.treatments.items()
        if only in {None, name}
    ]


def configured_names(config: Config) -> ConfiguredNames:
    """Return the names that metrics may use as labels."""
    return ConfiguredNames(
        peers=tuple(receive_build.peer_names(config.receive)),
        rules=tuple(rule.name for rule in config.route.rules),
        destinations=tuple(config.forward.destinations),
        listeners=config.receive.listener_names,
    )


def blob_files(config: Config) -> BlobFiles:
    """Return how the files of the spool are made and opened.

    Raises `ConfigurationError` where the key cannot be used, or is that of the pseudonyms:
    who reads the spool would hold what links patients.
    """
    path = config.spool.encryption_key_file
    if path is None:
        return BlobFiles()
    secret = read_key_file(path, setting=KEY_SETTING)
    if secret in {require_key_file(config.metadata), *keys_of(config).values()}:
        raise ConfigurationError(KEY_SETTING, "it is the pseudonym key; make one of its own")
    return BlobFiles(SpoolKey(secret), encrypts=config.spool.encryption == "aes_gcm")


def certificates_of(config: Config) -> Sequence[Certificate]:
    """Return when the certificates of the node expire, after `check_all` has found them well."""
    found = [*receive_build.certificates_of(config.receive)]
    for name, options in config.forward.destinations.items():
        found += forward_build.certificates_of(name, options)
    found += review_build.certificates_of(config.review)
    found += work_build.certificates_of(config.work.engine)
    return [*found, *audit_build.certificates_of(config.audit)]


def usable_certificates(config: Config) -> Sequence[Certificate]:
    """Return `certificates_of` after a look whether each context could be made of the files.

    Raises `ConfigurationError` where one could not: renewed files that are of no use.
    """
    receive_build.check_reception(config.receive)
    for name, options in config.forward.destinations.items():
        forward_build.check_tls(name, options)
    if config.review is not None:
        review_build.build_tls(config.review)
    work_build.check_workforce(config.work.engine)
    audit_build.check_tls(config.audit)
    return certificates_of(config)


def key_marks(config: Config, custody: Custody) -> Sequence[KeyMark]:
    """Return the marks of the site's key, and of each key that a treatment has of its own."""
    site = fingerprint_of(require_key_file(config.metadata))
    marks = [KeyMark(custody, site, setting=KEY_PATH)]
    for (name, treatment), key in zip(
        config.treatments.items(), keys_of(config).values(), strict=True
    ):
        if treatment.project.pseudonym_key_file is not None:
            setting = treatment.project.path_of("pseudonym_key_file", treatment=name)
            marks.append(KeyMark(custody, fingerprint_of(key), setting=setting, project=name))
    return marks
