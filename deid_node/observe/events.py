"""The catalogue of events: everything the node can say about itself, and nothing else.

Names are in the past tense where something happened to an instance, and a state
where a part changed. A line of the log is one event with fields of
`deid_node.observe.fields`; free text is not possible, because free text is how a
patient's name gets into a log.
"""

from deid_node.values.coded import CodedMeaning


class Event(CodedMeaning):
    """What can happen; `meaning` is the line that the operator's handbook prints."""

    # The node as a whole.
    NODE_STARTING = "node_starting", "The configuration is valid; the parts are being started."
    NODE_READY = "node_ready", "Every port listens; the node takes instances."
    NODE_STOPPING = "node_stopping", "The node takes nothing new and finishes what is in hand."
    NODE_STOPPED = "node_stopped", "Every part has ended; the process exits."

    CONFIGURATION_RELOADED = (
        "configuration_reloaded",
        "Another configuration has taken over; nothing is begun under the old one any more.",
    )
    CONFIGURATION_REFUSED = (
        "configuration_refused",
        "Another configuration was to take over and cannot; nothing has changed.",
    )

    # The door.
    LISTENER_READY = "listener_ready", "A port for senders listens; told where there are several."
    ASSOCIATION_ACCEPTED = "association_accepted", "A peer opened an association."
    ASSOCIATION_REFUSED = "association_refused", "A peer was turned away; the code says why."
    ASSOCIATION_RELEASED = "association_released", "A peer closed its association in order."
    ASSOCIATION_ABORTED = "association_aborted", "An association broke off before its release."
    CONNECTION_REFUSED = (
        "connection_refused",
        "A connection was closed before an association began; the code says why.",
    )
    REQUEST_ANSWERED = (
        "request_answered",
        "A peer's request to store was answered; what was stored stood in the answer by name.",
    )
    REQUEST_REFUSED = (
        "request_refused",
        "A request of HTTP was turned away before its body was read; the code says why.",
    )
    REQUEST_ABORTED = (
        "request_aborted",
        "A request broke off or fell silent; what had come whole is in custody.",
    )
    REQUEST_FAILED = "request_failed", "A fault of ours ended a connection of HTTP at the door."
    INSTANCE_RECEIVED = (
        "instance_received",
        "An instance is in custody on disk and Success was answered.",
    )
    INSTANCE_REPEATED = (
        "instance_repeated",
        "What is in custody or delivered came once more; it is not kept or worked twice.",
    )
    INSTANCE_REFUSED = (
        "instance_refused",
        "An instance was not taken; the sender was told the status and keeps it.",
    )

    COMMITMENT_REQUESTED = (
        "commitment_requested",
        "A sender asked whether instances are safe; the request is in the journal.",
    )
    COMMITMENT_REPORTED = (
        "commitment_reported",
        "A sender was told which of its instances are safe, and heard it.",
    )
    COMMITMENT_POSTPONED = (
        "commitment_postponed",
        "A sender could not be told yet; it is tried again later.",
    )
    COMMITMENT_EXPIRED = (
        "commitment_expired",
        "A sender could not be told for a week; it is not tried any more.",
    )

    # The corridor.
    INSTANCE_CLEANED = "instance_cleaned", "An instance is sealed and waits for delivery."
    INSTANCE_WITHHELD = "instance_withheld", "An instance is kept whole for a person to decide."
    INSTANCE_DISCARDED = "instance_discarded", "A rule dropped an instance."
    SERIES_AWAITED = (
        "series_awaited",
        "An instance is held until the rest of its series has come, as its treatment says.",
    )
    SERIES_CLOSED = (
        "series_closed",
        "A series is waited for no longer, the code says why; its instances go on.",
    )
    SERIES_MISSED = (
        "series_missed",
        "An instance came after its series was closed; it goes on without waiting.",
    )
    SERIES_RELEASED = (
        "series_released",
        "A person let a series go on that was waited for; told once, for its oldest instance.",
    )
    INSTANCES_EXPECTED = (
        "instances_expected",
        "A person said how many instances a series has that is waited for.",
    )
    INSTANCE_RELEASED = (
        "instance_released",
        "A person gave a withheld instance back to the node; the code is why it was withheld.",
    )
    INSTANCE_DROPPED = (
        "instance_dropped",
        "A person dropped a withheld instance; the code is why it was withheld.",
    )
    REDELIVERY_ORDERED = (
        "redelivery_ordered",
        "A person wants an instance delivered once more; the code is the state it was in.",
    )
    REPROCESSING_ORDERED = (
        "reprocessing_ordered",
        "A person wants an instance cleaned once more; the code is the state it was in.",
    )
    INSTANCE_MARKED = (
        "instance_marked",
        "A person said at the review desk what is text in a withheld instance; it walks again.",
    )
    INSTANCE_HELD = (
        "instance_held",
        "A person looked at a withheld instance at the review desk and put it aside.",
    )
    INSTANCE_COPIED = (
        "instance_copied",
        "A person took a copy or a picture of a withheld instance out of the spool.",
    )
    VALUES_REVEALED = (
        "values_revealed",
        "A person was shown what stands in attributes of a withheld instance.",
    )
    DECISION_REFUSED = (
        "decision_refused",
        "A second person did not agree to what was decided about a withheld instance.",
    )
    SAMPLE_PASSED = (
        "sample_passed",
        "A person looked at a delivered instance that was drawn, and found nothing missed.",
    )
    TEXT_MISSED = (
        "text_missed",
        "A person looked at a delivered instance that was drawn, and found what was missed.",
    )
    REGIONS_PROPOSED = (
        "regions_proposed",
        "A person proposed fixed regions for the device of an instance.",
    )
    REGIONS_ACCEPTED = (
        "regions_accepted",
        "An admin put fixed regions for a device in force; the instance is one of that device.",
    )
    REGIONS_REFUSED = (
        "regions_refused",
        "An admin refused fixed regions that were proposed for a device.",
    )
    INSTANCE_POSTPONED = (
        "instance_postponed",
        "Cleaning failed for a passing cause; the instance is started again.",
    )

    # The workers.
    WORKER_STARTED = "worker_started", "A worker process has loaded its models and takes work."
    WORKER_LOST = "worker_lost", "A worker process died, or was killed at a limit."
    WORKER_REPLACED = (
        "worker_replaced",
        "A worker process had come to hold much more memory than at its start.",
    )
    WORKER_STOPPED = "worker_stopped", "A worker process ended as asked."

    # The way out.
    INSTANCE_DELIVERED = "instance_delivered", "A destination confirmed that it has an instance."
    INSTANCE_SENT = "instance_sent", "A destination took an instance and is asked to commit to it."
    INQUIRY_SENT = "inquiry_sent", "A destination was asked to commit to instances that it took."
    INQUIRY_POSTPONED = (
        "inquiry_postponed",
        "A destination could not be asked for its commitment; it is asked again later.",
    )
    INQUIRY_ANSWERED = (
        "inquiry_answered",
        "A destination said which instances it commits to; the failed ones are sent again.",
    )
    INQUIRY_EXPIRED = (
        "inquiry_expired",
        "A destination did not say in time which instances it commits to.",
    )
    COMMITMENT_NOT_OFFERED = (
        "commitment_not_offered",
        "A destination does not offer storage commitment; the state says what its word is worth.",
    )
    DELIVERY_POSTPONED = "delivery_postponed", "A delivery failed and is tried again later."
    DELIVERY_REFUSED = "delivery_refused", "A destination refused an instance for good."
    DESTINATION_UNREACHABLE = (
        "destination_unreachable",
        "A destination stopped answering; its deliveries wait.",
    )
    DESTINATION_NOT_CONFIGURED = (
        "destination_not_configured",
        "Instances are due at a destination that the configuration does not name; they wait.",
    )
    DESTINATION_REACHED = "destination_reached", "A destination answers again."
    DESTINATION_LIMITED = (
        "destination_limited",
        "A destination serves fewer associations at once than configured; so many are used.",
    )
    DESTINATION_WIDENED = (
        "destination_widened",
        "A destination serves more associations at once than before.",
    )

    # The spool.
    SPOOL_LOW = "spool_low", "Free space fell below the reserve; associations are refused."
    SPOOL_RECOVERED = "spool_recovered", "Free space is above the reserve again."
    SPOOL_FAILED = "spool_failed", "The spool could not be written or read."
    JOURNAL_RECONCILED = (
        "journal_reconciled",
        "At the start, the journal and the files on disk were brought together.",
    )
    CLOCK_CORRECTED = (
        "clock_corrected",
        "Moments in the journal lay too far ahead, from a clock that was wrong; they count now.",
    )
    INSTANCES_ADOPTED = (
        "instances_adopted",
        "Instances lay in the spool that the journal did not name; they are withheld.",
    )
    FILES_SET_ASIDE = (
        "files_set_aside",
        "Files lay in the spool that nothing is known of; they are in its folder aside.",
    )
    BLOBS_REMOVED = "blobs_removed", "Blobs whose retention has passed were deleted."

    # Notifications.
    NOTIFICATION_SENT = "notification_sent", "A person was told by mail or at a web address."
    NOTIFICATION_FAILED = (
        "notification_failed",
        "A mail server or a web address took nothing; it is tried again while it is true.",
    )

    # The review desk.
    DESK_ENTERED = "desk_entered", "A user of the review desk signed in."
    DESK_REFUSED = (
        "desk_refused",
        "Somebody was not let in at the review desk, or a request was not one of its pages.",
    )
    STUDY_SEARCHED = (
        "study_searched",
        "A user of the review desk asked where a study is, by an identifier as it was sent.",
    )
    PICTURE_FAILED = (
        "picture_failed",
        "A picture for the review desk could not be made; the instance stays withheld.",
    )
    DESK_FAILED = "desk_failed", "A page of the review desk could not be shown once."

    # The audit trail.
    AUDIT_UNREACHABLE = (
        "audit_unreachable",
        "Audit messages cannot be kept or delivered for now; they wait in order.",
    )
    AUDIT_REACHED = "audit_reached", "The audit repository takes messages again."
    AUDIT_DROPPED = (
        "audit_dropped",
        "Too many audit messages wait; new ones are lost until it ends.",
    )

    # The log and the metrics themselves: each of these is a fault of ours.
    SCRAPE_FAILED = "scrape_failed", "The metrics or the health could not be told once."
    LOG_FIELD_DROPPED = (
        "log_field_dropped",
        "A program fault: a log line had a field that is not on the list; it was left out.",
    )
    LOG_EVENT_DROPPED = (
        "log_event_dropped",
        "A program fault: a log line named an event that is not in the catalogue.",
    )
