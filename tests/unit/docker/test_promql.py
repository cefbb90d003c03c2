"""The reader of expressions itself."""

import pytest

from tests.unit.docker.promql import asked


@pytest.mark.parametrize(
    ("expression", "series", "labels"),
    [
        ("up", {"up"}, set()),
        ('up{job="a"} == 0', {"up"}, {"job"}),
        ('sum by (peer) (rate(a_total{x=~"b|c{d}"}[5m]))', {"a_total"}, {"peer", "x"}),
        ("a > 2e9 and on (i) b unless c offset 1h", {"a", "b", "c"}, {"i"}),
        ("sum by (le) (rate(h_bucket[$__rate_interval]))", {"h_bucket"}, {"le"}),
        ("absent(up) or vector(1)", {"up"}, set()),
        ("clamp_min(a_total, 1e-9) / 24 * 3600", {"a_total"}, set()),
    ],
)  # fmt: skip
def test_series_and_labels_are_found(expression: str, series: set[str], labels: set[str]) -> None:
    found = asked(expression)

    assert set(found.series) == series
    assert set(found.labels) == labels
