"""Formatting of figures.

{{ seconds|figure:"duration" }}, {% change tile %}, {% sparkline values %}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.reports import tables
from analytics.reports.tiles import Tile, duration_text

register = template.Library()

NONE = "–"
WIDTH, HEIGHT = 120, 32
HEATS = 6
"""Shades of the heat map in static/css/analytics.css, without the empty one."""


@register.filter
def figure(value: Any, kind: str = tables.NUMBER) -> str:
    """Format a figure: 12,480, 3 min 10 s, 93 %; a dash for None."""
    if value is None:
        return NONE
    if kind == tables.DURATION:
        return duration_text(value)
    if kind == tables.SHARE:
        percent = value * 100
        return f"{percent:.1f} %" if 0 < percent < 10 or 99 < percent < 100 else f"{percent:.0f} %"
    return f"{value:,}" if kind == tables.NUMBER else str(value)


@register.simple_tag
def change(tile: Tile) -> SafeString | str:
    """Render the change of a tile's figure, coloured, with a text for screen readers."""
    by = tile.change
    if by is None:
        return ""
    rounded = round(by * 100)
    points = "%" if tile.kind != tables.SHARE else "point" if abs(rounded) == 1 else "points"
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return format_html(
        '<span class="wf-change is-{}">{}{} {}<span class="visually-hidden"> against the period before</span></span>',
        tile.tone,
        sign,
        f"{abs(rounded):,}",
        points,
    )


@register.simple_tag
def sparkline(values: Sequence[float | None]) -> SafeString | str:
    """Render a sparkline as SVG; nothing for fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    top = max(known) or 1
    step = WIDTH / (len(values) - 1)
    points = " ".join(
        f"{number * step:.1f},{HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}"
        for number, value in enumerate(values)
        if value is not None
    )
    return format_html(
        '<svg class="wf-spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<polyline points="{}"></polyline></svg>',
        WIDTH,
        HEIGHT,
        points,
    )


@register.filter
def heat(value: float | None, top: float) -> int:
    """Return the shade of a heat map's cell: 0 for nothing, up to HEATS for `top`."""
    if not value or not top:
        return 0
    return min(HEATS, max(1, -(-round(value / top * 1000) * HEATS // 1000)))
