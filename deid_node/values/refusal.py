"""Why a caller is turned away: codes of the log, labels of the metric."""

from enum import StrEnum

from deid_node.values.coded import CodedMeaning


class RefusalCode(StrEnum):
    """Why an association or a request is refused, or a connection closed before either."""

    CALLED_AE_UNKNOWN = "called_ae_unknown"
    CALLING_AE_UNKNOWN = "calling_ae_unknown"
    PEER_UNKNOWN = "peer_unknown"
    WRONG_CERTIFICATE = "wrong_certificate"
    NOT_IDENTIFIED = "not_identified"
    TOO_MANY_ASSOCIATIONS = "too_many_associations"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_OF_ADDRESS = "too_many_of_address"
    NO_ROOM = "no_room"
    CLOSING = "closing"
    NOT_SERVED = "not_served"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    NOT_UNDERSTOOD = "not_understood"
    REFUSED_OFTEN = "refused_often"


class TlsFault(CodedMeaning):
    """Why a handshake failed, as far as our side can tell; `meaning` is for the log."""

    NOT_SPOKEN = "tls_not_spoken", "the other side does not speak TLS"
    NO_CERTIFICATE = "tls_no_certificate", "the other side shows no certificate"
    UNTRUSTED = "tls_untrusted", "no trusted authority has issued the other side's certificate"
    EXPIRED = "tls_expired", "the other side's certificate is not valid today"
    WRONG_NAME = "tls_wrong_name", "the other side's certificate is for another host"
    NOTHING_IN_COMMON = "tls_nothing_in_common", "no version or suite of TLS in common"
    REJECTED = "tls_rejected", "the other side does not accept our certificate or offer"
    TOO_SLOW = "tls_too_slow", "the handshake took too long"
    FAILED = "tls_failed", "the handshake failed"
