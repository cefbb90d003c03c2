"""From a header and an origin to a decision."""

from dataclasses import dataclass

from deid_node.route.rules import Rule
from deid_node.values.decision import Decision, Discard, Withhold
from deid_node.values.header import Header
from deid_node.values.origin import Origin


@dataclass(frozen=True, slots=True)
class Router:
    """Tries the rules from first to last; `otherwise` decides where none holds.

    A rule that cannot be decided stops the search: whether a later rule may
    speak is then unknown, and guessing would send an instance where the site
    did not want it.
    """

    rules: tuple[Rule, ...]
    otherwise: Withhold | Discard

    @property
    def keywords(self) -> frozenset[str]:
        """All that the rules read of a dataset: what `header_of` must be asked for."""
        return frozenset().union(*(rule.when.keywords for rule in self.rules))

    def decide(self, header: Header, origin: Origin) -> Decision:
        """Return the decision of the first rule that holds.

        Raises
        ------
        RuleUndecidable
            A rule came up that asks for an attribute that cannot be decoded.
        """
        for rule in self.rules:
            if rule.when.holds(header, origin):
                return rule.then
        return self.otherwise
