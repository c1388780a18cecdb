"""Svg: charts over the seconds of a run, as inline SVG. Pure.

Colours come from the page's CSS, so that they follow light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..result import Mark

_WIDTH, _HEIGHT = 860, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 20, 24
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Series:
    """One line; None is a hole."""

    name: str
    values: Sequence[float | None]


def chart(title: str, unit: str, series: Sequence[Series], marks: Sequence[Mark], *, most: float | None = None) -> str:
    """Lines over seconds.

    Args:
        most: a threshold to draw.
    """
    length = max((len(each.values) for each in series), default=0)
    top = max([value for each in series for value in each.values if value is not None] + [most or 0.0, 1e-9])
    ticks = _ticks(top)
    top = ticks[-1]
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">',
        *(_band(mark, length) for mark in marks),
    ]
    for tick in ticks:
        y = _y(tick, top)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    if most is not None:
        y = _y(most, top)
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for number, each in enumerate(series):
        parts.append(f'<path class="s{number % 6}" d="{_path(each.values, length, top)}"/>')
    parts.append("</svg>")
    legend = "".join(
        f'<span class="key"><i class="k{number % 6}"></i>{escape(each.name)}</span>'
        for number, each in enumerate(series)
    )
    caption = f"<figcaption>{escape(title)} <small>{escape(unit)}</small>{legend}</figcaption>"
    return f"<figure>{caption}{''.join(parts)}</figure>"


def _band(mark: Mark, length: int) -> str:
    left, right = _x(mark.at_s, length), _x(mark.at_s + mark.seconds, length)
    if mark.kind == "phase":
        return (
            f'<line class="phase" x1="{left:.1f}" x2="{left:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text class="name" x="{left + 4:.1f}" y="{_HEIGHT - 8}">{_clock(mark.at_s)} {escape(mark.text)}</text>'
        )
    width = max(2.0, right - left)
    return (
        f'<rect class="fault" x="{left:.1f}" y="{_TOP}" width="{width:.1f}" height="{_HEIGHT - _BOTTOM - _TOP}"/>'
        f'<text class="name fault" x="{left + 4:.1f}" y="{_TOP - 6}">{escape(mark.text)}</text>'
    )


def _clock(at_s: float) -> str:
    return f"{int(at_s) // 60}:{int(at_s) % 60:02}"


def _path(values: Sequence[float | None], length: int, top: float) -> str:
    parts, pen_down = [], False
    for second, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{_x(second + 0.5, length):.1f} {_y(min(value, top), top):.1f}")
        if not pen_down:
            parts.append("h0")  # a second alone is a dot
        pen_down = True
    return "".join(parts)


def _x(second: float, length: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(1.0, second / max(1, length))


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top


def _ticks(top: float) -> list[float]:
    """0 and up to four round values, the last at or above the top."""
    size = 10.0 ** int(f"{top / 4:e}".split("e")[1])
    step = next(each * size for each in _STEPS if each * size * 4 >= top)
    return [step * number for number in range(5)]


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
