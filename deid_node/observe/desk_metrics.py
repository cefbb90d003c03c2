"""What people do at the review desk, counted; the metrics of the node hold it."""

from prometheus_client import CollectorRegistry, Counter

from deid_node.observe.labels import ClosedSet, ReviewDecision


class DeskMetrics:
    """Counts decisions and looks; any thread may call it. Each counter begins at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._review_decisions = ClosedSet(ReviewDecision)
        self._reviewed = Counter(
            "deid_node_review_decisions_total",
            "Withheld instances that people decided about at the review desk.",
            ["decision"],
            registry=registry,
        )
        for decision in self._review_decisions.values:
            self._reviewed.labels(decision)
        self._looks = Counter(
            "deid_node_sampled_looks_total",
            "Delivered instances, drawn by chance, that people looked at at the review desk.",
            registry=registry,
        )
        self._misses = Counter(
            "deid_node_sampled_misses_total",
            "Those of them in which something had been missed.",
            registry=registry,
        )

    def reviewed(self, decision: ReviewDecision | str) -> None:
        """Count a decision at the review desk, once it is carried out."""
        self._reviewed.labels(self._review_decisions.value(decision)).inc()

    def looked(self, *, missed: bool) -> None:
        """Count a look at a delivered instance that was drawn, and whether it found a miss."""
        self._looks.inc()
        if missed:
            self._misses.inc()
