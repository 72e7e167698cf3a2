"""Figures for people on call, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.clock import now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Gauge:
    """One figure as it is now. name: without the prefix. labels: never of people or texts."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def seconds_since(moment: datetime | None) -> float:
    """How long ago that was; 0 for a time to come and for none."""
    return max((now() - moment).total_seconds(), 0.0) if moment else 0.0


def text(gauges: Iterable[Gauge]) -> str:
    """What a scraper reads. Figures of one name must follow each other."""
    lines: list[str] = []
    last = ""
    for one in gauges:
        name = f"whatsflow_{one.name}"
        if name != last:
            lines += [f"# HELP {name} {one.help}", f"# TYPE {name} gauge"]
            last = name
        lines.append(f"{name}{_labels(one.labels)} {one.value:g}")
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
