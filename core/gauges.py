"""Gauges in the Prometheus text format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.clock import now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Gauge:
    """Current value of a metric. name: without the prefix. labels: no personal data, no free text."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def seconds_since(moment: datetime | None) -> float:
    """Return the age of `moment` in seconds; 0 for None and for a moment in the future."""
    return max((now() - moment).total_seconds(), 0.0) if moment else 0.0


def text(gauges: Iterable[Gauge]) -> str:
    """Render the exposition text. Gauges of gauge name must be adjacent."""
    lines: list[str] = []
    previous_name = ""
    for gauge in gauges:
        name = f"whatsflow_{gauge.name}"
        if name != previous_name:
            lines += [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge"]
            previous_name = name
        lines.append(f"{name}{_labels(gauge.labels)} {gauge.value:g}")
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
