"""What the threshold of the finder trades: text found for area masked without need.

Drawn from the figures that ship beside the weights, on validation images; a plain
SVG of a few lines, so that no plotting library is needed to write a page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deid_node_lab.evaluation.tables import table

Report = Mapping[str, Any]

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 20, 60
_INK: Final = "#333333"
_SETS: Final = (("rendered", "rendered text", "#1f6fb2"), ("screens", "real screens", "#c2571a"))
_STEPS: Final = 5


def thresholds(finder: Report) -> str:
    """Return the table of the curve's points."""
    rows = [
        (
            f"{score} (chosen)" if float(score) == finder["min_score"] else score,
            *(
                cell
                for name, _, _ in _SETS
                for cell in (f"{sets[name]['recall']:.4f}", f"{sets[name]['unneeded_area']:.2%}")
            ),
            f"{sets['text_free']['images_touched']} / {sets['text_free']['images']}",
        )
        for score, sets in finder["validation_by_score"].items()
    ]
    head = ["`min_score`"]
    head += [f"{said}: {what}" for _, said, _ in _SETS for what in ("recall", "unneeded area")]
    return table([*head, "text-free images touched"], rows)


def curve(finder: Report) -> str:
    """Return recall over unneeded area as SVG, a point for each threshold, the chosen one filled.

    Parameters
    ----------
    finder
        The content of ``finder.json``.
    """
    scores = list(finder["validation_by_score"].items())
    points = {
        name: [(one[name]["unneeded_area"], one[name]["recall"]) for _, one in scores]
        for name, _, _ in _SETS
    }
    widest = max(area for line in points.values() for area, _ in line) or 0.01
    lowest = min(recall for line in points.values() for _, recall in line)
    lowest = max(0.0, min(0.95, int(lowest * 20) / 20))

    def place(area: float, recall: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * area / (widest * 1.05)
        y = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - recall) / (1 - lowest)
        return round(x, 1), round(y, 1)

    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for step in range(_STEPS + 1):
        recall = lowest + (1 - lowest) * step / _STEPS
        area = widest * step / _STEPS
        x, y = place(area, recall)
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        parts += [
            f'<line x1="{_LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#dddddd"/>',
            _text(_LEFT - 8, y + 4, f"{recall:.3f}", anchor="end"),
            _text(x, bottom + 20, f"{area:.2%}"),
        ]
    parts.append(_text(_WIDTH / 2, _HEIGHT - 14, "area masked without need"))
    distances = [abs(float(score) - finder["min_score"]) for score, _ in scores]
    chosen = distances.index(min(distances))
    for row, (name, said, colour) in enumerate(_SETS):
        parts += _line([place(*point) for point in points[name]], chosen, colour)
        parts.append(_text(_WIDTH - 140, _HEIGHT - 110 + 20 * row, said, colour, anchor="start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _line(places: Sequence[tuple[float, float]], chosen: int, colour: str) -> list[str]:
    path = " ".join(f"{x},{y}" for x, y in places)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
        *(
            f'<circle cx="{x}" cy="{y}" r="4" stroke="{colour}" '
            f'fill="{colour if index == chosen else "#ffffff"}"/>'
            for index, (x, y) in enumerate(places)
        ),
    ]


def _text(x: float, y: float, said: str, colour: str = _INK, *, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{said}</text>'
