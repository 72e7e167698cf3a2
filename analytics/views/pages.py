"""The pages of figures, their export, and the choice of the weekly report."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MemberRequest, member
from analytics import exports, kpi_tiles, periods, report_tables
from analytics import reports as figures
from analytics.date_range import Asked, asked
from analytics.services import reports
from core.files import spreadsheets
from core.web import htmx


@require_safe
@member()
def overview(request: HttpRequest) -> HttpResponse:
    """Messages, people and times of a range, beside the range before."""
    access = cast(MemberRequest, request).access
    wanted = asked(access.business, request.GET.dict())
    found = figures.overview(access.business, wanted.period, wanted.group)
    context = {
        **_frame(request, wanted, "analytics"),
        "overview": found,
        "tiles": kpi_tiles.overview_tiles(found),
        "tables": {table.key: table for table in report_tables.overview_tables(found)},
        "hottest": max(max(row) for row in found.hours),
    }
    return htmx.render(request, "analytics/overview.html", "analytics/_figures.html", context)


@require_safe
@member()
def contacts(request: HttpRequest) -> HttpResponse:
    """How many contacts there are, who stays, who answers."""
    access = cast(MemberRequest, request).access
    wanted = asked(access.business, request.GET.dict())
    found = figures.contacts(access.business, wanted.period, wanted.group)
    context = {
        **_frame(request, wanted, "analytics_contacts"),
        "found": found,
        "tiles": kpi_tiles.contact_tiles(found),
        "tables": {table.key: table for table in report_tables.contact_tables(found)},
    }
    return htmx.render(request, "analytics/contacts.html", "analytics/_contacts.html", context)


@require_safe
@member()
def campaigns(request: HttpRequest) -> HttpResponse:
    """The campaigns of a range, side by side."""
    access = cast(MemberRequest, request).access
    wanted = asked(access.business, request.GET.dict())
    found = figures.campaigns(access.business, wanted.period)
    context = {
        **_frame(request, wanted, "analytics_campaigns"),
        "campaigns": found,
        "tables": {table.key: table for table in report_tables.campaign_tables(found)},
    }
    return htmx.render(request, "analytics/campaigns.html", "analytics/_campaigns.html", context)


@require_safe
@member()
def export(request: HttpRequest) -> HttpResponse:
    """One table as CSV: `table` is one of a page's, or "days"."""
    access = cast(MemberRequest, request).access
    wanted = asked(access.business, request.GET.dict())
    made = exports.table(access.business, wanted, request.GET.get("table", exports.DAYS))
    response = HttpResponse(exports.csv(made), content_type=spreadsheets.CSV_TYPE)
    name = f"whatsflow-{made.key}-{wanted.period.first}-{wanted.period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@member()
def report(request: HttpRequest) -> HttpResponse:
    """Get the weekly report by e-mail from now on, or no more."""
    access = cast(MemberRequest, request).access
    wanted = request.POST.get("wanted") == "yes"
    reports.choose(access.business, access.user, wanted)
    text = "Every Monday you get last week's figures." if wanted else "You get no more weekly reports."
    messages.success(request, text)
    return htmx.redirect(request, "analytics")


def _frame(request: HttpRequest, wanted: Asked, route: str) -> dict[str, Any]:
    """What every page of figures shows around them."""
    access = cast(MemberRequest, request).access
    return {
        "asked": wanted,
        "period": wanted.period,
        "presets": periods.PRESETS,
        "groups": periods.GROUPS,
        "query": urlencode(wanted.query),
        "page_route": route,
        "gets_report": reports.is_chosen(access.business, access.user),
    }
