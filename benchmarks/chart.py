"""A line chart as SVG: two axes from zero with round steps, and lines that colour and dashes tell apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 170, 50, 60
#: Colours that differ for every kind of sight, and dashes for those who see or print none.
_STYLES = (("#b3541e", "7 4"), ("#0b5fa5", "none"))
_INK, _GRID = "#222222", "#dddddd"
_SVG = "http://www.w3.org/2000/svg"
_FONT = f'font-family="system-ui, sans-serif" font-size="13" fill="{_INK}"'
_MOST_STEPS = 6
_LABEL_PIXELS = 16


class Line(NamedTuple):
    """A line's label, and its points from left to right."""

    label: str
    points: Sequence[tuple[float, float]]


class Axis(NamedTuple):
    """From zero to a round number in round steps, over pixels."""

    step: float
    most: float
    first_pixel: float
    last_pixel: float

    @classmethod
    def over(cls, largest: float, first_pixel: float, last_pixel: float) -> Axis:
        """Return an axis that holds the largest value."""
        step = round_step(largest / _MOST_STEPS)
        return cls(step, step * math.ceil(largest / step), first_pixel, last_pixel)

    def pixel(self, value: float) -> float:
        """Return where a value is."""
        return round(self.first_pixel + (self.last_pixel - self.first_pixel) * value / self.most, 1)

    @property
    def ticks(self) -> list[float]:
        """The values that are named."""
        return [self.step * place for place in range(round(self.most / self.step) + 1)]


def round_step(smallest: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(smallest))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= smallest)


def chart(title: str, *, across: str, up: str, lines: Sequence[Line]) -> str:
    """Return the chart of at most two lines; `across` and `up` name the axes with their units."""
    horizontal = Axis.over(max(x for line in lines for x, _ in line.points), LEFT, WIDTH - RIGHT)
    vertical = Axis.over(max(y for line in lines for _, y in line.points), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="{_SVG}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" {_FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 28, title, 'font-size="16" font-weight="600"'),
        *_grid(horizontal, vertical),
        *_names(across, up),
        *_lines(horizontal, vertical, lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(horizontal: Axis, vertical: Axis) -> Iterator[str]:
    for value in vertical.ticks:
        y = vertical.pixel(value)
        yield _rule(LEFT, y, WIDTH - RIGHT, y, _GRID if value else _INK)
        yield _text(LEFT - 8, y + 4, f"{value:g}", 'text-anchor="end"')
    for value in horizontal.ticks:
        x = horizontal.pixel(value)
        yield _rule(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5, _INK)
        yield _text(x, HEIGHT - BOTTOM + 20, f"{value:g}", 'text-anchor="middle"')
    yield _rule(LEFT, TOP, LEFT, HEIGHT - BOTTOM, _INK)


def _names(across: str, up: str) -> Iterator[str]:
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, across, 'text-anchor="middle"')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield _text(18, middle, up, f'text-anchor="middle" transform="rotate(-90 18 {middle:g})"')


def _lines(horizontal: Axis, vertical: Axis, lines: Sequence[Line]) -> Iterator[str]:
    """Yield each line, its points, and its label at its end; labels keep clear of each other."""
    ends = _apart([vertical.pixel(line.points[-1][1]) for line in lines])
    for line, end, (colour, dashes) in zip(lines, ends, _STYLES, strict=True):
        places = [(horizontal.pixel(x), vertical.pixel(y)) for x, y in line.points]
        joined = " ".join(f"{x:g},{y:g}" for x, y in places)
        style = f'fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}"'
        yield f'<polyline points="{joined}" {style}/>'
        yield from (f'<circle cx="{x:g}" cy="{y:g}" r="3.5" fill="{colour}"/>' for x, y in places)
        yield _text(places[-1][0] + 10, end + 4, line.label, f'font-weight="600" fill="{colour}"')


def _apart(heights: Sequence[float]) -> list[float]:
    """Return the heights of labels, moved down where one would cover another."""
    placed: dict[int, float] = {}
    for place in sorted(range(len(heights)), key=heights.__getitem__):
        placed[place] = max([heights[place], *(height + _LABEL_PIXELS for height in placed.values())])
    return [placed[place] for place in range(len(heights))]


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, attributes: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {attributes}>{escape(words)}</text>'
