import dataclasses
from pathlib import Path

from deid_node.forward.dimse.contexts import MOST_CONTEXTS, contexts_for, offers_for
from deid_node.values.instance import CleanInstance
from tests.fakes.peer_parcels import a_parcel

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT, JPEG = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.4.50",
)


def an_instance(folder: Path, sop_class: str, syntax: str) -> CleanInstance:
    return dataclasses.replace(
        a_parcel(folder).instance, sop_class_uid=sop_class, transfer_syntax=syntax
    )


def test_the_stored_syntax_comes_first_and_the_two_that_all_take_follow(tmp_path: Path) -> None:
    assert offers_for(an_instance(tmp_path, CT, JPEG)) == (
        (CT, JPEG),
        (CT, EXPLICIT),
        (CT, IMPLICIT),
    )
    assert offers_for(an_instance(tmp_path, CT, EXPLICIT)) == ((CT, EXPLICIT), (CT, IMPLICIT))
    assert offers_for(an_instance(tmp_path, CT, IMPLICIT)) == ((CT, IMPLICIT), (CT, EXPLICIT))


def test_ids_are_odd_and_each_offer_stands_once(tmp_path: Path) -> None:
    instances = [an_instance(tmp_path, CT, syntax) for syntax in (JPEG, EXPLICIT, JPEG)]

    contexts = contexts_for(instances, [(CT, EXPLICIT), ("1.2.3", EXPLICIT)])

    assert [context.id for context in contexts] == [1, 3, 5, 7]
    assert [(context.sop_class, context.transfer_syntax) for context in contexts] == [
        (CT, JPEG),
        (CT, EXPLICIT),
        (CT, IMPLICIT),
        ("1.2.3", EXPLICIT),
    ]


def test_no_more_are_offered_than_an_association_holds_and_no_instance_by_halves(
    tmp_path: Path,
) -> None:
    instances = [an_instance(tmp_path, f"1.2.{number}", JPEG) for number in range(50)]

    contexts = contexts_for(instances, [(CT, EXPLICIT)])

    # 42 classes of three offers; the next would need three more than the two that are left.
    assert len(contexts) == 126 <= MOST_CONTEXTS
    assert contexts[-1].sop_class == "1.2.41"
