"""Pages of campaigns: list, detail, dry run, recipients and export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from campaigns import draft_preview, export, reason_labels, schedule, selectors
from campaigns.dry_run import simulate
from campaigns.forms import TestForm
from campaigns.models import Campaign
from campaigns.templatetags.campaign_tags import RECIPIENT_TABS
from core.web.htmx import render


@require_safe
@member()
def index(request: MemberRequest) -> HttpResponse:
    """List the campaigns, newest first."""
    status = request.GET.get("status", "")
    page = selectors.campaigns_page(request.access.business, status, request.GET.get("before") or None)
    context = {
        "page": page,
        "status": status,
        "statuses": Campaign.Status.choices,
        "first": not request.GET.get("before"),
    }
    return render(request, "campaigns/list.html", "campaigns/_list.html", context)


@require_safe
@member()
def detail(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Show one campaign: a draft with its text, a running one with its progress."""
    campaign = selectors.get_campaign(request.access.business, campaign_id)
    context = {
        "campaign": campaign,
        "explanation": reason_labels.of_campaign(campaign),
        "progress": selectors.progress(campaign) if campaign.started_at else None,
        "missed": selectors.missed_count(campaign),
        "when": schedule.describe(campaign),
        "test_form": TestForm(),
        "media": campaign.media,
        "previews": draft_preview.preview_texts(campaign, draft_preview.preview_contacts(campaign, 1))
        if campaign.is_editable
        else [],
        "runs": list(campaign.runs.order_by("-slot")[:20]) if campaign.is_pattern else [],
    }
    return render(request, "campaigns/detail.html", "campaigns/_state.html", context)


@require_safe
@member()
def dry_run(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Show the result of a dry run."""
    campaign = selectors.get_campaign(request.access.business, campaign_id)
    context = {"campaign": campaign, "run": simulate(campaign)}
    return render(request, "campaigns/dry_run.html", "campaigns/_dry_run.html", context)


@require_safe
@member()
def recipients(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """List the recipients, filtered and searched."""
    campaign = selectors.get_campaign(request.access.business, campaign_id)
    state, search = request.GET.get("state", ""), request.GET.get("q", "")
    page = selectors.recipients_page(
        request.access.business, campaign, state, search, request.GET.get("after", "")
    )
    context = {
        "campaign": campaign,
        "page": page,
        "state": state,
        "search": search,
        "tabs": RECIPIENT_TABS,
        "first": not request.GET.get("after"),
    }
    return render(request, "campaigns/recipients.html", "campaigns/_recipients.html", context)


@require_safe
@member(Can.RUN_CAMPAIGNS)
def missed_csv(request: MemberRequest, campaign_id: UUID) -> Any:
    """Download the recipients who surely received no message as CSV."""
    campaign = selectors.get_campaign(request.access.business, campaign_id)
    lines: Iterator[str] = export.missed(request.access.business, campaign)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="missed-{campaign.pk}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
