"""Which presentation contexts are accepted, and in which transfer syntax.

Any storage SOP class is taken, also one that is unknown or private: refusing it
at the door would hide it, withholding it later shows it. Among the transfer
syntaxes of a context the sender's first is taken, because a sender puts the one
it holds the data in first; nobody shall re-encode pixels on our account.
"""

from collections.abc import Iterable
from typing import Final

from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class as service_class_of

from deid_node.dicom.commitment import PUSH_MODEL
from deid_node.receive.encodings import is_taken

_NATIVE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
"""Implicit and Explicit VR Little Endian."""

_VERIFICATION: Final = "1.2.840.10008.1.1"
_DICOM_ROOT: Final = "1.2.840.10008."
_STORAGE_ROOTS: Final = (
    "1.2.840.10008.5.1.4.1.1.",  # composite storage, the younger ones too
    "1.2.840.10008.5.1.1.27",  # Stored Print Storage, retired
    "1.2.840.10008.5.1.1.29",  # Hardcopy Grayscale Image Storage, retired
    "1.2.840.10008.5.1.1.30",  # Hardcopy Color Image Storage, retired
)


def accepted_contexts(proposed: Iterable[PresentationContext]) -> list[PresentationContext]:
    """Return what to support, given what a requestor proposes.

    One context an abstract syntax, as the negotiation wants it, with the
    requestor's transfer syntaxes in its own order, those we do not take left
    out. What is no storage, no Verification and no storage commitment gets no entry
    and is refused with "abstract syntax not supported" (PS3.8 section 9.3.3.2).
    """
    syntaxes: dict[str, list[str]] = {}
    for context in proposed:
        abstract = str(context.abstract_syntax)
        if abstract == PUSH_MODEL:
            # A question and its answer: nothing in it is worth a compressed syntax.
            known = syntaxes.setdefault(abstract, [])
            known += [one for one in map(str, context.transfer_syntax) if one in _NATIVE]
        elif abstract == _VERIFICATION or is_storage(abstract):
            known = syntaxes.setdefault(abstract, [])
            known += [
                syntax
                for syntax in map(str, context.transfer_syntax)
                if is_taken(syntax) and syntax not in known
            ]
    supported = []
    for abstract, names in syntaxes.items():
        if names:
            context = PresentationContext()
            context.abstract_syntax = abstract
            context.transfer_syntax = list(names)
            if abstract == PUSH_MODEL:
                # Scanners ask us; archives that we asked come as providers (PS3.4 J.3.3).
                context.scu_role = context.scp_role = True
            supported.append(context)
    return supported


def only_reports(proposed: Iterable[PresentationContext]) -> bool:
    """Return whether nothing but storage commitment is proposed: the way archives report."""
    return {str(context.abstract_syntax) for context in proposed} - {_VERIFICATION} == {PUSH_MODEL}


def is_storage(sop_class_uid: str) -> bool:
    """Return whether instances of this class are stored by C-STORE.

    A class that the library does not know counts as storage: a private one, or
    one younger than the library, below the Standard's storage root.
    """
    kind = service_class_of(sop_class_uid)
    if kind is not ServiceClass:
        return bool(kind is StorageServiceClass)
    return not sop_class_uid.startswith(_DICOM_ROOT) or sop_class_uid.startswith(_STORAGE_ROOTS)
