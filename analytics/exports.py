"""Figures as CSV that no spreadsheet program takes for formulas."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from accounts.models import BusinessProfile
from analytics import report_tables, reports
from analytics.date_range import Asked
from analytics.report_tables import Table
from analytics.reports.days import days
from analytics.reports.summary import summary
from core.errors import InvalidInput
from core.files import spreadsheets

DAYS = "days"


def table(business: BusinessProfile, wanted: Asked, key: str) -> Table:
    """The table called `key` of the range. Raises InvalidInput("unknown_table")."""
    if key == DAYS:
        return _daily(business, wanted)
    for keys, make in _PAGES:
        if key in keys:
            return next(one for one in make(business, wanted) if one.key == key)
    known = ", ".join([DAYS, *(one for keys, _ in _PAGES for one in keys)])
    raise InvalidInput("unknown_table", f"These tables can be exported: {known}.", field="table")


def _daily(business: BusinessProfile, wanted: Asked) -> Table:
    found = days(business, wanted.period.first, wanted.period.last, wanted.period.zone)
    rows = [(str(day.date), *report_tables.daily_cells(summary([day]))) for day in found]
    return Table(DAYS, "By day", report_tables.daily_columns(), rows)


def _overview(business: BusinessProfile, wanted: Asked) -> list[Table]:
    return report_tables.overview_tables(reports.overview(business, wanted.period, wanted.group))


def _contacts(business: BusinessProfile, wanted: Asked) -> list[Table]:
    return report_tables.contact_tables(reports.contacts(business, wanted.period, wanted.group))


def _campaigns(business: BusinessProfile, wanted: Asked) -> list[Table]:
    return report_tables.campaign_tables(reports.campaigns(business, wanted.period))


_PAGES: tuple[tuple[frozenset[str], Callable[[BusinessProfile, Asked], list[Table]]], ...] = (
    (report_tables.OVERVIEW_KEYS, _overview),
    (report_tables.CONTACT_KEYS, _contacts),
    (report_tables.CAMPAIGN_KEYS, _campaigns),
)


def csv(made: Table) -> bytes:
    """The table as CSV. Durations are seconds, shares parts of 1; a cell without a figure is empty."""
    head = [column.name + _unit(column.kind) for column in made.columns]
    out = io.BytesIO()
    writer = spreadsheets.CsvWriter(out, head)
    for row in made.rows:
        writer.write(_cell(cell) for cell in row)
    writer.close()
    return out.getvalue()


def _unit(kind: str) -> str:
    return " (seconds)" if kind == report_tables.DURATION else ""


def _cell(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
