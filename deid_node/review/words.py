"""Why an instance waits, in plain words, and what a person can do about it.

One entry for each code of withholding; a test holds that none is missing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydicom.datadict import tag_for_keyword

from deid_node.spool.choices import AGAIN, LOOKS
from deid_node.spool.decisions import Verb
from deid_node.spool.samples import SAMPLE_CODE

_PIXELS: Final = (Verb.FILL, Verb.NO_TEXT, Verb.DISCARD, Verb.HOLD)
_AGAIN: Final = (Verb.RELEASE, Verb.DISCARD, Verb.HOLD)
_ASIDE: Final = (Verb.DISCARD, Verb.HOLD)

DISCARD_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "names_patient": "It shows who the patient is, and cannot be cleaned",
        "no_image": "A report, a form or a screen, and no image for research",
        "wrong_study": "It does not belong to the study or the project",
        "damaged": "It is damaged, or of no use as an image",
        "other": "Another reason",
    }
)
"""Why a person discards; the code goes into the journal and the audit trail."""


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, what can be done, and what can be decided here."""

    what: str
    can: str
    choices: tuple[Verb, ...]


VERB_WORDS: Final[Mapping[Verb, str]] = MappingProxyType(
    {
        Verb.FILL: "fill the boxes",
        Verb.NO_TEXT: "it is no text",
        Verb.RELEASE: "try it again",
        Verb.DISCARD: "discard it",
    }
)
"""What a person decided, as another is told who has to agree."""

_LOOK: Final = "Look at the boxes: fill what is text, and leave what is none."
_SITE: Final = "Whoever looks after the node can change that; then try it again."

WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "anatomy_covered": Words(
            "Text lies over so much anatomy that filling it would make up part of the picture.",
            "What you mark is filled with one even shade, nothing is made up.",
            _PIXELS,
        ),
        "burned_in_unconfirmed": Words(
            "Its header says that text is burned in, and no text was found.",
            "Look at every frame: draw a box round text, or say that there is none.",
            _PIXELS,
        ),
        "models_away": Words(
            "The models on the cluster were lost each time that it was looked at.",
            "Try again when the cluster works; please report it if others go through.",
            _AGAIN,
        ),
        "mostly_text": Words(
            "More than half of a frame looks like text.",
            "It may be a page or a screen: discard it, or mark what is to be filled.",
            _PIXELS,
        ),
        "regions_unreadable": Words(
            "The file of fixed regions cannot be read, so nobody knows what else is to be filled.",
            _SITE,
            _AGAIN,
        ),
        "residual_text": Words(
            "Text was still seen after the last fill, or something like text in a mask or a map.",
            _LOOK,
            _PIXELS,
        ),
        "slide_label": Words(
            "It shows the label of a slide, and labels name people.",
            "Fill the label, or discard the picture.",
            _PIXELS,
        ),
        "text_uncertain": Words(
            "Something may be text: too doubtful to fill, and too likely to let stand.",
            _LOOK,
            _PIXELS,
        ),
        "blob_damaged": Words(
            "The bytes on disk are not those that were received.",
            "Let the sender send it again: then it walks by itself.",
            _ASIDE,
        ),
        "commitment_failed": Words(
            "An archive took it each time and did not confirm that it keeps it.",
            "Ask who looks after the archive, then send it again.",
            _AGAIN,
        ),
        "crosswalk_unavailable": Words(
            "The list of old and new identifiers cannot be written.", _SITE, _AGAIN
        ),
        "fill_failed": Words(
            "The model that fills text could not run: memory was short.", _SITE, _AGAIN
        ),
        "identifier_left": Words(
            "An identifier of the patient was found again in the cleaned header.",
            "This is decided by the plan of the site, not here: a person changes the plan, and"
            " it is tried again. It cannot be let through.",
            _AGAIN,
        ),
        "malformed_dataset": Words(
            "An attribute that the work needs is missing, or contradicts another.",
            "Let the sender mend it, or discard it.",
            _AGAIN,
        ),
        "memory_limit": Words(
            "Cleaning needed more memory than a worker may have, three times.", _SITE, _AGAIN
        ),
        "no_rule": Words("No rule says where it goes.", _SITE, _AGAIN),
        "not_dicom": Words("It is not a DICOM file.", "Discard it.", _ASIDE),
        "origin_unknown": Words(
            "It was found in the spool, and nobody knows who sent it.",
            "Let its sender send it again, or discard it.",
            _ASIDE,
        ),
        "provenance_failed": Words(
            "What was filled could not be marked in a Segmentation.", _SITE, _AGAIN
        ),
        "recognizable_features": Words(
            "It may show a face, and the node cannot remove faces.",
            "It cannot be let through under this treatment.",
            _ASIDE,
        ),
        "refused_by_destination": Words(
            "An archive refuses it for good.",
            "Ask who looks after the archive, then send it again.",
            _AGAIN,
        ),
        "repeated_tag": Words(
            "An attribute stands twice, or out of order: two readers may see two things.",
            "Let the sender mend it, or discard it.",
            _ASIDE,
        ),
        "rule_undecidable": Words(
            "The rules cannot read an attribute that they ask for.", _SITE, _AGAIN
        ),
        "rule_withholds": Words(
            "A rule of the site says that a person decides about such instances.",
            "The rules are the site's: it walks on when a rule lets it.",
            _AGAIN,
        ),
        "time_limit": Words("Cleaning took too long, three times.", _SITE, _AGAIN),
        "too_large": Words(
            "It is larger than an archive takes.",
            "Ask who looks after the archive what it takes, then send it again.",
            _AGAIN,
        ),
        "transcoding_differs": Words(
            "For its archive it was put into another form, and its pixels were not the same then.",
            "Please report it, with the device and the archive; it was not sent.",
            _AGAIN,
        ),
        "uid_conflict": Words(
            "Another instance has the same UID and other content.",
            "Which of the two counts is said on the command line: withheld release --instead.",
            _ASIDE,
        ),
        "undecodable": Words(
            "Its pixels cannot be decoded: nobody can say what they show.",
            "Let the sender send it in another form, or discard it.",
            _AGAIN,
        ),
        "unexpected": Words(
            "A fault of the node kept it from being cleaned.",
            "Please report it, with the reason that stands here.",
            _AGAIN,
        ),
        "unknown_element": Words(
            "An element stands in it that the plan cannot judge.", _SITE, _AGAIN
        ),
        "unknown_subject": Words("The patient is not in the table of subjects.", _SITE, _AGAIN),
        "unsupported_object": Words(
            "It holds something that cannot be looked into, as a document.",
            "Discard it, or keep it aside.",
            _AGAIN,
        ),
        "unsupported_syntax": Words(
            "Its pixels are coded in a way that the node does not edit, as video.",
            "Let the sender send it in another form, or discard it.",
            _AGAIN,
        ),
        "worker_lost": Words(
            "It took the process that cleans it down, three times.",
            "Please report it; it is safe here.",
            _AGAIN,
        ),
    }
)

SAMPLE: Final = Words(
    "It was cleaned and delivered. It was drawn by chance: was something missed?",
    "What you see is what was delivered; Space shows it as it came. Look at every frame.",
    LOOKS,
)

NOTED: Final = "noted"

MISS_ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        AGAIN: "Fill what I boxed as well, and deliver it again under the same UIDs",
        NOTED: "Only note it: somebody else looks after it",
    }
)
"""What becomes of a delivered instance in which something was missed."""

_UNKNOWN: Final = Words("It waits for a person.", _SITE, _AGAIN)


def words_of(code: str) -> Words:
    """Return the words for a code; plain ones for a code of another version."""
    return SAMPLE if code == SAMPLE_CODE else WORDS.get(code, _UNKNOWN)


def keywords_in(reason: str) -> tuple[str, ...]:
    """Return the attributes that a reason names, by keyword."""
    found = re.findall(r"\b[A-Z][A-Za-z0-9]+\b", reason)
    return tuple(dict.fromkeys(one for one in found if tag_for_keyword(one) is not None))
