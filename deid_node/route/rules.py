"""A rule: a question, and what is done where the answer is yes."""

from dataclasses import dataclass

from deid_node.route.predicates import Predicate
from deid_node.values.decision import Decision


@dataclass(frozen=True, slots=True)
class Rule:
    """`then` is decided for the instances that `when` holds for."""

    name: str
    when: Predicate
    then: Decision
