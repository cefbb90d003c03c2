"""From options to the notifier."""

from collections.abc import Callable, Sequence
from typing import assert_never

from deid_node.notify.channels import Channel, Email, Webhook
from deid_node.notify.notifier import Notifier
from deid_node.notify.options import EmailOptions, NotifyOptions, WebhookOptions
from deid_node.observe.health import Condition
from deid_node.observe.logs import EventLog


def build_channels(options: NotifyOptions) -> Sequence[Channel]:
    """Return the channels; raises `ConfigurationError` for files that cannot be used."""
    return tuple(
        _channel(one, path=f"notify.channels[{index}]")
        for index, one in enumerate(options.channels)
    )


def build_notifier(
    options: NotifyOptions,
    *,
    node: str,
    health: Callable[[], Condition],
    withheld: Callable[[], int],
    log: EventLog,
) -> Notifier | None:
    """Return what tells people, or None where nobody is named."""
    if not options.channels:
        return None
    return Notifier(
        build_channels(options),
        node=node,
        health=health,
        withheld=withheld,
        after_seconds=options.after_seconds,
        withheld_every_seconds=options.withheld_every_seconds,
        log=log,
    )


def _channel(options: WebhookOptions | EmailOptions, *, path: str) -> Channel:
    match options:
        case WebhookOptions():
            return Webhook(options, path=path)
        case EmailOptions():
            return Email(options, path=path)
        case _:
            assert_never(options)
