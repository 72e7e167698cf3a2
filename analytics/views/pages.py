"""The analytics pages, their export, and the subscription to the weekly report."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MemberRequest, member
from analytics import reports
from analytics.reports import date_range, periods, tables, tiles
from analytics.reports import export as csv_export
from analytics.reports.date_range import DateRange
from analytics.services import weekly_report
from core.files import spreadsheets
from core.web import htmx


@require_safe
@member()
def overview(request: HttpRequest) -> HttpResponse:
    """GET: the overview of a period."""
    access = cast(MemberRequest, request).access
    dates = date_range.parse(access.business, request.GET.dict())
    figures = reports.overview(access.business, dates.period, dates.group)
    context = {
        **_frame(request, dates, "analytics"),
        "overview": figures,
        "tiles": tiles.overview_tiles(figures),
        "tables": {table.key: table for table in tables.overview_tables(figures)},
        "hottest": max(max(row) for row in figures.hours),
    }
    return htmx.render(request, "analytics/overview.html", "analytics/_figures.html", context)


@require_safe
@member()
def contacts(request: HttpRequest) -> HttpResponse:
    """GET: the contacts page."""
    access = cast(MemberRequest, request).access
    dates = date_range.parse(access.business, request.GET.dict())
    figures = reports.contacts(access.business, dates.period, dates.group)
    context = {
        **_frame(request, dates, "analytics_contacts"),
        "found": figures,
        "tiles": tiles.contact_tiles(figures),
        "tables": {table.key: table for table in tables.contact_tables(figures)},
    }
    return htmx.render(request, "analytics/contacts.html", "analytics/_contacts.html", context)


@require_safe
@member()
def campaigns(request: HttpRequest) -> HttpResponse:
    """GET: the campaigns page."""
    access = cast(MemberRequest, request).access
    dates = date_range.parse(access.business, request.GET.dict())
    figures = reports.campaigns(access.business, dates.period)
    context = {
        **_frame(request, dates, "analytics_campaigns"),
        "campaigns": figures,
        "tables": {table.key: table for table in tables.campaign_tables(figures)},
    }
    return htmx.render(request, "analytics/campaigns.html", "analytics/_campaigns.html", context)


@require_safe
@member()
def export(request: HttpRequest) -> HttpResponse:
    """GET: one table as CSV. table: a table of a page, or "days"."""
    access = cast(MemberRequest, request).access
    dates = date_range.parse(access.business, request.GET.dict())
    table = csv_export.table(access.business, dates, request.GET.get("table", csv_export.DAYS))
    response = HttpResponse(csv_export.csv(table), content_type=spreadsheets.CSV_TYPE)
    name = f"whatsflow-{table.key}-{dates.period.first}-{dates.period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@member()
def report(request: HttpRequest) -> HttpResponse:
    """POST: subscribe to the weekly report, or unsubscribe."""
    access = cast(MemberRequest, request).access
    subscribed = request.POST.get("wanted") == "yes"
    weekly_report.set_subscribed(access.business, access.user, subscribed)
    text = "Every Monday you get last week's figures." if subscribed else "You get no more weekly reports."
    messages.success(request, text)
    return htmx.redirect(request, "analytics")


def _frame(request: HttpRequest, dates: DateRange, route: str) -> dict[str, Any]:
    """Return the context that all analytics pages share."""
    access = cast(MemberRequest, request).access
    return {
        "asked": dates,
        "period": dates.period,
        "presets": periods.PRESETS,
        "groups": periods.GROUPS,
        "query": urlencode(dates.query),
        "page_route": route,
        "gets_report": weekly_report.is_subscribed(access.business, access.user),
    }
