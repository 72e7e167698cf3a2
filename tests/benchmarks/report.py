"""What was measured, as a table for people and as JSON for comparison over time."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass
class Result:
    """One path.

    value: what was measured, in `unit`; None when it failed. limit: the bare way of doing the same, measured in the
    same run, or None.
    wanted: in words, the figure to reach; reached: whether it was, None where none is set.
    """

    name: str
    value: float | None
    unit: str
    limit: float | None = None
    limit_name: str = ""
    wanted: str = ""
    reached: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value by limit."""
        return self.value / self.limit if self.limit and self.value is not None else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(results: Sequence[Result]) -> str:
    """All results as text."""
    head = ("path", "measured", "limit", "ratio", "wanted", "")
    rows = [head, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    notes = [f"  {result.name}: {result.note}" for result in results if result.note]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], *(["", *notes] if notes else [])])


def _cells(result: Result) -> tuple[str, ...]:
    limit = f"{_number(result.limit)} {result.limit_name}" if result.limit is not None else result.limit_name
    ratio = f"{result.ratio:.2f}" if result.ratio is not None else ""
    verdict = {True: "reached", False: "MISSED", None: ""}[result.reached]
    value = f"{_number(result.value)} {result.unit}" if result.value is not None else "failed"
    return (result.name, value, limit, ratio, result.wanted, verdict)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def save(path: Path, results: Sequence[Result], **about: object) -> None:
    """Write the JSON. about: what the run was made with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cpus": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        **about,
        "results": [{**asdict(result), "ratio": result.ratio} for result in results],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
