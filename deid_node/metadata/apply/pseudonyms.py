"""New identifiers for old ones: the same in, the same out, and no way back.

Every pseudonym is an HMAC-SHA-256 under the site's key, so that a list of all
patient ids does not help anyone who lacks the key. Each kind of identifier has a
domain of its own: the same digits as Patient ID and as Accession Number give
pseudonyms that cannot be linked.
"""

import hashlib
import hmac

from pydicom._uid_dict import UID_dictionary

from deid_node.metadata.apply.keys import require_long_enough
from deid_node.metadata.apply.subjects import SubjectTable

# No vowels: a pseudonym that spells somebody's name would be held for a leak.
_ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXZ"
_SHORT_LENGTH = 16  # all that an SH takes; 78 bits


class Pseudonyms:
    """Makes pseudonyms under one key; its repr tells nothing of the key.

    Parameters
    ----------
    key
        The site's secret, 32 bytes or more.
    subjects
        Where given, Patient IDs come from this table and an unlisted patient is
        refused.
    patient_id_prefix
        Put before computed Patient IDs (not before those of the table).
    ignores_issuer
        The id alone names a patient, whoever issued it.

    Raises
    ------
    ConfigurationError
        The key is too short.
    """

    __slots__ = ("_ignores_issuer", "_key", "_prefix", "_subjects")

    def __init__(
        self,
        key: bytes,
        subjects: SubjectTable | None = None,
        *,
        patient_id_prefix: str = "",
        ignores_issuer: bool = False,
    ) -> None:
        require_long_enough(key, where="the key")
        self._key = key
        self._subjects = subjects
        self._prefix = patient_id_prefix
        self._ignores_issuer = ignores_issuer

    def uid(self, original: str) -> str:
        """Return the new UID, ``2.25.`` and 128 bits as a decimal number.

        UIDs that the standard itself registers (classes, syntaxes, well-known
        frames of reference) come back unchanged: they name no instance.

        Source
        ------
        PS3.5 B.2 (UUID derived UIDs); PS3.6 Annex A (registered UIDs).
        """
        if original in UID_dictionary:
            return original
        return f"2.25.{int.from_bytes(self._digest('uid', original)[:16], 'big')}"

    def accession_mark(self, original: str) -> str:
        """Return by what the journal knows an Accession Number; empty for none.

        It is no pseudonym: what leaves the node cannot be linked to it.
        """
        return self._digest("accession mark", original).hex()[:32] if original else ""

    def patient_id(self, original: str, issuer: str = "") -> str:
        """Return the new Patient ID: the table's subject id, or prefix and 78 bits.

        Parameters
        ----------
        original
            Patient ID as sent.
        issuer
            Issuer of Patient ID (0010,0021) as sent: the same id from two issuers
            is two patients. Where none was sent the id alone counts.

        Raises
        ------
        UnknownSubject
            There is a subject table and it does not name the patient.
        """
        if self._subjects is not None:
            return self._subjects.subject_id(original, issuer)
        return self._prefix + self._short(*self._patient(original, issuer))

    def shift_days(self, original: str, issuer: str, study: str, span: range) -> int:
        """Return by how many days the dates of a patient are moved: one of `span`, never 0.

        Parameters
        ----------
        original, issuer
            As for `patient_id`. Where there is a subject table, the subject counts,
            so that all ids of one subject are moved alike.
        study
            Study Instance UID; counts where the patient has no id.
        span
            The days that are allowed; at least one that is not 0.

        Raises
        ------
        UnknownSubject
            As for `patient_id`.
        """
        domain, text = self._patient(original, issuer) if original else ("study", study)
        if self._subjects is not None and original:
            domain, text = "subject", self._subjects.subject_id(original, issuer)
        days = [day for day in span if day]
        return days[int.from_bytes(self._digest(f"shift/{domain}", text), "big") % len(days)]

    def accession_number(self, original: str) -> str:
        """Return the new Accession Number, 16 characters (the most an SH takes)."""
        return self._short("accession", original)

    def study_id(self, original: str) -> str:
        """Return the new Study ID, 16 characters."""
        return self._short("study", original)

    def ae_title(self, original: str) -> str:
        """Return the new AE title, 16 characters (the most an AE takes)."""
        return self._short("ae_title", original)

    def _patient(self, original: str, issuer: str) -> tuple[str, str]:
        """Return the domain and the text that stand for a patient."""
        if not issuer or self._ignores_issuer:
            return "patient", original
        return "patient of issuer", f"{len(issuer)}:{issuer}{original}"

    def _short(self, domain: str, original: str) -> str:
        number = int.from_bytes(self._digest(domain, original), "big")
        characters = []
        for _ in range(_SHORT_LENGTH):
            number, digit = divmod(number, len(_ALPHABET))
            characters.append(_ALPHABET[digit])
        return "".join(characters)

    def _digest(self, domain: str, original: str) -> bytes:
        message = f"deid_node/{domain}".encode() + b"\0" + original.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).digest()
