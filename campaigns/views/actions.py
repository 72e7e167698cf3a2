"""Actions on a campaign; each calls one service and redirects to the campaign's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, member
from accounts.roles import Can
from campaigns import selectors
from campaigns.forms import TestForm
from campaigns.models import Campaign
from campaigns.services import drafts, lifecycle, test_send
from core.errors import DomainError, InvalidInput
from core.web.htmx import redirect, render


def _act(
    request: MemberRequest, campaign_id: UUID, service: Callable[..., Any], success: str
) -> HttpResponse:
    """Run a service function and show `success` or its error on the campaign's page."""
    access = request.access
    campaign = selectors.get_campaign(access.business, campaign_id)
    try:
        service(access.business, campaign, access.user)
        messages.success(request, success)
    except DomainError as error:
        if error.status == 404:
            raise
        messages.error(request, error.message)
    return redirect(request, "campaigns:detail", campaign_id)


@require_POST
@member(Can.RUN_CAMPAIGNS)
def launch(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: launch or schedule, as the campaign's timing says."""
    return _act(request, campaign_id, lifecycle.send, "Done. You can watch it here.")


@require_POST
@member(Can.RUN_CAMPAIGNS)
def unschedule(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: turn a scheduled campaign into a draft."""
    return _act(request, campaign_id, lifecycle.unschedule, "It is a draft again and will not be sent.")


@require_POST
@member(Can.RUN_CAMPAIGNS)
def pause(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: pause from the next message on."""
    return _act(request, campaign_id, lifecycle.pause, "Paused. Nothing more leaves until you resume it.")


@require_POST
@member(Can.RUN_CAMPAIGNS)
def resume(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: resume."""
    return _act(request, campaign_id, lifecycle.resume, "It goes on where it stopped.")


@require_POST
@member(Can.RUN_CAMPAIGNS)
def cancel(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: cancel for good."""
    return _act(request, campaign_id, lifecycle.cancel, "Cancelled. What had left by then still arrives.")


@require_POST
@member(Can.RUN_CAMPAIGNS)
def retry(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: resend failed messages."""
    return _act(
        request, campaign_id, lifecycle.retry_failed, "The failed ones are tried again, at the usual pace."
    )


@require_POST
@member(Can.RUN_CAMPAIGNS)
def duplicate(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: copy to a new draft."""
    access = request.access
    campaign = selectors.get_campaign(access.business, campaign_id)
    copy = drafts.duplicate(access.business, campaign, access.user)
    return redirect(request, "campaigns:edit", copy.pk)


@require_POST
@member(Can.RUN_CAMPAIGNS)
def target_missed(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: create a draft for the recipients who surely received no message."""
    access = request.access
    campaign = selectors.get_campaign(access.business, campaign_id)
    copy = drafts.create_for_contacts(access.business, campaign, access.user, selectors.missed_ids(campaign))
    return redirect(request, "campaigns:edit", copy.pk)


@require_POST
@member(Can.RUN_CAMPAIGNS)
def test_message(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """POST: send a test message to one number."""
    form = TestForm(request.POST)

    def send(business: Any, campaign: Campaign, user: Any) -> None:
        if not form.is_valid():
            raise InvalidInput("invalid_phone_number", "Write your number with its country code.")
        test_send.send_test(business, campaign, user, form.cleaned_data["phone"])

    return _act(request, campaign_id, send, "On its way to you. It does not count.")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def delete(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Delete a campaign with its recipients, after a confirmation."""
    access = request.access
    campaign = selectors.get_campaign(access.business, campaign_id)
    if request.method == "POST":
        drafts.delete(access.business, campaign, access.user)
        messages.success(request, f"“{campaign.name}” was deleted.")
        return redirect(request, "campaigns:list")
    context = {"campaign": campaign}
    return render(request, "campaigns/delete.html", "campaigns/_delete.html", context)
