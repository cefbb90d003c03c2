"""From what the configuration says to a scrubber."""

from functools import partial
from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import KEY_PATH, read_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.apply.subjects import load_subject_table
from deid_node.metadata.clean.option_cleaners import OptionCleaning
from deid_node.metadata.crosswalk import Crosswalk, require_private
from deid_node.metadata.originals import load_envelope
from deid_node.metadata.plan.options import MetadataOptions, Option, ProjectOptions, require_offered
from deid_node.metadata.plan.plan import Plan, build_plan
from deid_node.metadata.scrub import Scrubber

NO_PROJECT: Final = ProjectOptions()


def build_scrubber(
    options: MetadataOptions,
    treatment_options: frozenset[Option],
    *,
    key: bytes,
    project: ProjectOptions = NO_PROJECT,
    treatment: str = "",
) -> Scrubber:
    """Return the scrubber for one treatment.

    Parameters
    ----------
    options
        The section ``metadata`` of the configuration.
    treatment_options
        The options that the treatment names; where it names none, those of
        `options` hold.
    key
        The secret of the site or of the project, already loaded (`key_of`).
    project, treatment
        What the treatment of that name has of its own in place of `options`.

    Raises
    ------
    ConfigurationError
        An option is not offered, the key is too short, the shipped table is
        damaged, a private attribute is named twice, the subject table cannot be
        read, the crosswalk is enabled and cannot be kept, or the certificate for the
        originals cannot be used.
    """
    own = partial(project.path_of, treatment=treatment)
    options = project.over(options)
    chosen = treatment_options or frozenset(options.options)
    plan = plan_of(options, require_offered(chosen, path="metadata.options"))
    subjects = None
    if options.subject_table_file is not None:
        subjects = load_subject_table(options.subject_table_file, setting=own("subject_table_file"))
    pseudonyms = Pseudonyms(
        key,
        subjects,
        patient_id_prefix=options.patient_id_prefix,
        ignores_issuer=options.issuer_of_patient_id == "ignored",
    )
    cleaning = OptionCleaning(plan.options, options.safe_private)
    crosswalk = None
    if options.crosswalk.enabled:
        require_private(options.crosswalk.file, setting=f"{own('crosswalk')}.file")
        crosswalk = Crosswalk(options.crosswalk.file)
    envelope = None
    if options.originals.certificate_file is not None:
        envelope = load_envelope(options.originals.certificate_file)
    return Scrubber(
        plan,
        pseudonyms,
        cleaning=cleaning,
        dates=options.dates,
        crosswalk=crosswalk,
        envelope=envelope,
    )


def plan_of(options: MetadataOptions, chosen: frozenset[Option]) -> Plan:
    """Return the plan for `chosen`, the options of a treatment, with the site's additions.

    Raises
    ------
    ConfigurationError
        The shipped table is damaged, or an addition cannot be done.
    """
    return build_plan(
        chosen,
        additions=options.additions,
        moves_birth_date=options.dates.birth_date == "shift",
    )


def key_of(options: MetadataOptions, project: ProjectOptions, *, treatment: str) -> bytes:
    """Return the key of a treatment: that of its project, or the site's.

    Raises
    ------
    ConfigurationError
        No file is named, or its key cannot be used.
    """
    if project.pseudonym_key_file is None:
        return require_key_file(options)
    setting = project.path_of("pseudonym_key_file", treatment=treatment)
    return read_key_file(project.pseudonym_key_file, setting=setting)


def require_key_file(options: MetadataOptions) -> bytes:
    """Return the site's key from the file that `options` names.

    Raises
    ------
    ConfigurationError
        No file is named, or its key cannot be used.
    """
    if options.pseudonym_key_file is None:
        raise ConfigurationError(KEY_PATH, "no key file is named")
    return read_key_file(options.pseudonym_key_file)
