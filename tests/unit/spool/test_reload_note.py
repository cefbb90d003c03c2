"""What the node last said of its configuration is read beside it."""

from deid_node.spool.custody import Custody
from deid_node.spool.reload_note import ReloadNotes


def test_each_word_is_counted_and_a_refusal_leaves_what_is_in_force(custody: Custody) -> None:
    notes = ReloadNotes(custody)
    assert notes.last() is None

    started = notes.write("started", "c1")
    refused = notes.write("refused", "c1", reason="route: no")
    accepted = notes.write("accepted", "c2")

    assert [one.number for one in (started, refused, accepted)] == [1, 2, 3]
    assert refused.since == started.since == started.at
    assert refused.reason == "route: no"
    assert accepted.since == accepted.at
    assert notes.last() == accepted
