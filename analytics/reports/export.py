"""The CSV export of figures. Cells are escaped against formula injection."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from accounts.models import BusinessProfile
from analytics import reports
from analytics.aggregates import days
from analytics.reports import tables
from analytics.reports.date_range import DateRange
from analytics.reports.summary import summary
from analytics.reports.tables import Table
from core.errors import InvalidInput
from core.files import spreadsheets

DAYS = "days"


def table(business: BusinessProfile, date_range: DateRange, key: str) -> Table:
    """Return the table called `key`. Raises InvalidInput("unknown_table")."""
    if key == DAYS:
        return _daily(business, date_range)
    for keys, make in _PAGES:
        if key in keys:
            return next(one for one in make(business, date_range) if one.key == key)
    known = ", ".join([DAYS, *(one for keys, _ in _PAGES for one in keys)])
    raise InvalidInput("unknown_table", f"These tables can be exported: {known}.", field="table")


def _daily(business: BusinessProfile, date_range: DateRange) -> Table:
    daily = days(business, date_range.period.first, date_range.period.last, date_range.period.zone)
    rows = [(str(day.date), *tables.daily_cells(summary([day]))) for day in daily]
    return Table(DAYS, "By day", tables.daily_columns(), rows)


def _overview(business: BusinessProfile, date_range: DateRange) -> list[Table]:
    return tables.overview_tables(reports.overview(business, date_range.period, date_range.group))


def _contacts(business: BusinessProfile, date_range: DateRange) -> list[Table]:
    return tables.contact_tables(reports.contacts(business, date_range.period, date_range.group))


def _campaigns(business: BusinessProfile, date_range: DateRange) -> list[Table]:
    return tables.campaign_tables(reports.campaigns(business, date_range.period))


_PAGES: tuple[tuple[frozenset[str], Callable[[BusinessProfile, DateRange], list[Table]]], ...] = (
    (tables.OVERVIEW_KEYS, _overview),
    (tables.CONTACT_KEYS, _contacts),
    (tables.CAMPAIGN_KEYS, _campaigns),
)


def csv(table: Table) -> bytes:
    """Return the table as CSV.

    Durations are in seconds, shares from 0 to 1; cells without a figure are empty.
    """
    head = [column.name + _unit(column.kind) for column in table.columns]
    out = io.BytesIO()
    writer = spreadsheets.CsvWriter(out, head)
    for row in table.rows:
        writer.write(_cell(cell) for cell in row)
    writer.close()
    return out.getvalue()


def _unit(kind: str) -> str:
    return " (seconds)" if kind == tables.DURATION else ""


def _cell(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
