"""An audit message as XML, in the order that the schema of PS3.15 A.5.1 asks for."""

import base64
import re
from typing import Final

# Only written with, never parsed with: no document from outside comes near it.
from xml.etree.ElementTree import Element, SubElement, tostring

from deid_node.audit.codes import Code
from deid_node.audit.message import AuditMessage, Object, Participant, Source

_APPLICATION_SERVER: Final = "4"
# XML 1.0 section 2.2 has no place for them, not even as references.
_NO_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_of(message: AuditMessage, source: Source) -> bytes:
    """Return `message`, reported by `source`, as a document in UTF-8 on one line."""
    root = Element("AuditMessage")
    _add_event(root, message)
    for participant in message.participants:
        _add_participant(root, participant)
    reporter = SubElement(root, "AuditSourceIdentification", AuditSourceID=_text(source.id))
    if source.site is not None:
        reporter.set("AuditEnterpriseSiteID", _text(source.site))
    # The one code that stands without its scheme.
    SubElement(reporter, "AuditSourceTypeCode", {"csd-code": _APPLICATION_SERVER})
    for thing in message.objects:
        _add_object(root, thing)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document.replace(b"\n", b"")


def _add_event(root: Element, message: AuditMessage) -> None:
    event = SubElement(
        root,
        "EventIdentification",
        EventActionCode=message.action,
        EventDateTime=message.at.isoformat(timespec="milliseconds"),
        EventOutcomeIndicator=message.result,
    )
    _add_code(event, "EventID", message.event)
    for code in message.types:
        _add_code(event, "EventTypeCode", code)
    if message.description is not None:
        SubElement(event, "EventOutcomeDescription").text = _text(message.description)


def _add_participant(root: Element, participant: Participant) -> None:
    element = SubElement(
        root,
        "ActiveParticipant",
        UserID=_text(participant.user_id),
        UserIsRequestor="true" if participant.is_requestor else "false",
    )
    if participant.ae_title is not None:
        element.set("AlternativeUserID", _text(f"AETITLES={participant.ae_title}"))
    if participant.access_point is not None and participant.access_point_type is not None:
        element.set("NetworkAccessPointID", _text(participant.access_point))
        element.set("NetworkAccessPointTypeCode", participant.access_point_type)
    if participant.role is not None:
        _add_code(element, "RoleIDCode", participant.role)
    if participant.media is not None:
        _add_code(SubElement(element, "MediaIdentifier"), "MediaType", participant.media)


def _add_object(root: Element, thing: Object) -> None:
    element = SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_text(thing.id),
        ParticipantObjectTypeCode=thing.type,
        ParticipantObjectTypeCodeRole=thing.role,
    )
    _add_code(element, "ParticipantObjectIDTypeCode", thing.id_type)
    SubElement(element, "ParticipantObjectName").text = _text(thing.name)
    for kind, value in thing.details:
        encoded = base64.b64encode(value.encode()).decode("ascii")
        SubElement(element, "ParticipantObjectDetail", type=kind, value=encoded)
    if not thing.sop_classes and thing.anonymized is None:
        return
    description = SubElement(element, "ParticipantObjectDescription")
    for one in thing.sop_classes:
        SubElement(
            description,
            "SOPClass",
            UID=_text(one.sop_class_uid),
            NumberOfInstances=str(one.instances),
        )
    if thing.anonymized is not None:
        SubElement(description, "Anonymized").text = "true" if thing.anonymized else "false"


def _add_code(parent: Element, name: str, code: Code) -> None:
    SubElement(
        parent,
        name,
        {
            "csd-code": code.value,
            "codeSystemName": code.scheme,
            "displayName": code.meaning,
            "originalText": code.meaning,
        },
    )


def _text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
