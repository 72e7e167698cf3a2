"""Draws docs/images/pacing.svg: a fortnight of a new number at the default pacing, simulated with the real function.

`python scripts/plot_pacing.py`. Standard library alone; the picture is the same every time.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from messaging.outbox.pacing import DAY, Pacing, Past, Person, daily_cap, decide  # noqa: E402

START = datetime(2026, 3, 23, 6, 0, tzinfo=UTC)
DAYS = 14
BERLIN = ZoneInfo("Europe/Berlin")
LEFT, TOP, WIDTH, HEIGHT, BASE = 56, 44, 700, 250, 460


def fortnight(rules: Pacing) -> list[datetime]:
    """When each message leaves, with more people waiting in Berlin than can be written to."""
    sent: list[datetime] = []
    moment = START
    while moment < START + DAYS * DAY:
        recent = tuple(at for at in reversed(sent) if moment - at < DAY)
        answer = decide(rules, Past(recent, (), START), moment, Person(("Europe/Berlin",)))
        if answer.allowed:
            sent.append(moment)
        elif answer.not_before is not None:
            moment = answer.not_before
    return sent


def picture(rules: Pacing, sent: list[datetime]) -> str:
    """Dots: day across, local time of day down. Bars below: how many a day, and the limit."""
    column = WIDTH / DAYS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} 500" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(
            LEFT, 22, "A new number at the default pacing, 14 days, recipients in Berlin", "start", "#1d282c"
        ),
    ]
    for hour in range(8, 21, 2):
        y = TOP + (hour - 8) / 12 * HEIGHT
        parts += [_line(LEFT, y, LEFT + WIDTH, y, "#e1e7e8"), _text(LEFT - 8, y + 4, f"{hour:02d}:00", "end")]
    counts = [0] * DAYS
    for at in sent:
        local = at.astimezone(BERLIN)
        day = (local.date() - START.date()).days
        counts[day] += 1
        x = LEFT + (day + 0.15 + 0.7 * (at.second / 60)) * column
        y = TOP + (local.hour + local.minute / 60 - 8) / 12 * HEIGHT
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" fill="#0f766e"/>')
    for day, count in enumerate(counts):
        parts += _bar(rules, day, count, LEFT + day * column, column)
    summer = LEFT + 6 * column
    parts += [
        _line(summer, TOP, summer, BASE, "#8a4b00"),
        _text(summer + 4, TOP - 6, "summer time begins", "start", "#8a4b00"),
        _text(LEFT, 492, "Dots: messages, by Berlin's clock. Bars: messages a day; red: the limit.", "start"),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _bar(rules: Pacing, day: int, count: int, x: float, column: float) -> list[str]:
    """One day's messages and the limit above them."""
    moment = START + timedelta(days=day, hours=6)
    height, limit = count / 300 * 110, BASE - daily_cap(rules, START, moment)[0] / 300 * 110
    box = f'x="{x + 6:.1f}" y="{BASE - height:.1f}" width="{column - 12:.1f}" height="{height:.1f}"'
    return [
        f'<rect {box} fill="#8fd0c6"/>',
        _line(x + 2, limit, x + column - 2, limit, "#b3261e"),
        _text(x + column / 2, BASE - height - 4, str(count), "middle", "#1d282c"),
        _text(x + column / 2, BASE + 16, f"{moment:%a} {moment.day}", "middle"),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#546268") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


if __name__ == "__main__":
    rules = Pacing()
    target = ROOT / "docs" / "images" / "pacing.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture(rules, fortnight(rules)))
