"""Writing a campaign: the form, its live preview and the live count of its audience."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render as render_template
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, member
from accounts.forms import add_error
from accounts.roles import Can
from campaigns import draft_preview, dry_run, selectors, texts
from campaigns.forms import CampaignForm
from campaigns.models import Campaign
from campaigns.services import drafts
from contacts import selectors as contacts
from core.errors import DomainError
from core.web.htmx import redirect, render
from messaging.inbox import selectors as messaging
from messaging.media import media_files as files
from messaging.models import MediaFile


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def create(request: MemberRequest) -> HttpResponse:
    """A new draft, from nothing or from a template."""
    business = request.access.business
    initial: dict[str, Any] = {"time_zone": business.time_zone, "clock": time(9)}
    chosen = request.GET.get("template")
    if chosen:
        template = selectors.get_template(business, chosen)
        initial |= {"message_content": template.content, "attachment": template.media_id}
    form = CampaignForm(business, request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and (saved := _saved(request, form, None)):
        return redirect(request, "campaigns:detail", saved.pk)
    return _page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def edit(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Change a draft."""
    business = request.access.business
    campaign = selectors.get_campaign(business, campaign_id)
    if not campaign.is_editable and request.method != "POST":
        return redirect(request, "campaigns:detail", campaign.pk)
    form = CampaignForm(
        business,
        request.POST or None,
        request.FILES or None,
        campaign=campaign,
        initial=CampaignForm.initial_of(campaign),
    )
    if request.method == "POST" and (saved := _saved(request, form, campaign)):
        if campaign.status == campaign.Status.SCHEDULED:
            messages.warning(
                request, "It was taken off the schedule, so that you can look at it again first."
            )
        return redirect(request, "campaigns:detail", saved.pk)
    return _page(request, form, campaign)


def _saved(request: MemberRequest, form: CampaignForm, campaign: Campaign | None) -> Campaign | None:
    """The draft as it is now, or None with the complaints on the form."""
    access = request.access
    if not form.is_valid():
        return None
    try:
        values = form.values() | {"media": _media(request, form)}
        if campaign is None:
            return drafts.create(access.business, access.user, values)
        return drafts.update(access.business, campaign, access.user, values)
    except DomainError as error:
        if error.status == 404:
            raise
        add_error(form, error)
        return None


def _media(request: MemberRequest, form: CampaignForm) -> MediaFile | None:
    given = form.cleaned_data
    if given["upload"]:
        return files.store_upload(request.access.business, request.access.user, given["upload"])
    if given["remove_media"] or not given["attachment"]:
        return None
    return messaging.get_media(request.access.business, given["attachment"])


def _page(request: MemberRequest, form: CampaignForm, campaign: Campaign | None) -> HttpResponse:
    business = request.access.business
    sketch = campaign if campaign and not form.is_bound else draft_preview.of(business, form, campaign)
    people = dry_run.preview_people(sketch)
    context = {
        "media": draft_preview.media_of(business, form),
        "form": form,
        "campaign": campaign,
        "templates": selectors.templates_of(business),
        "variables": _variables(request),
        "previews": dry_run.preview_texts(sketch, people),
        "people": people,
        "numbers_on_list": campaign.list_summary if campaign else {},
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "campaigns/builder.html", "campaigns/_builder.html", context, status)


def _variables(request: MemberRequest) -> list[tuple[str, str]]:
    custom = [(field.key, field.label) for field in contacts.fields_of(request.access.business)]
    return [*texts.BUILT_IN.items(), *custom]


@require_POST
@member(Can.RUN_CAMPAIGNS)
def preview(request: MemberRequest) -> HttpResponse:
    """How the text looks on the phones of real people, while it is being written."""
    business = request.access.business
    form, saved = _typed(request)
    sketch = draft_preview.of(business, form, saved)
    people = dry_run.preview_people(sketch)
    context = {
        "previews": dry_run.preview_texts(sketch, people),
        "people": people,
        "media": sketch.media,
    }
    return render_template(request, "campaigns/_preview.html", context)


@require_POST
@member(Can.RUN_CAMPAIGNS)
def audience_count(request: MemberRequest) -> HttpResponse:
    """How many are in and out of what is chosen just now."""
    business = request.access.business
    form, saved = _typed(request)
    context = {"counts": draft_preview.counts(business, form, saved)}
    return render_template(request, "campaigns/_audience_count.html", context)


def _typed(request: MemberRequest) -> tuple[CampaignForm, Campaign | None]:
    """The form as far as it is filled in, and the draft that it changes."""
    business, key = request.access.business, request.GET.get("campaign")
    saved = selectors.get_campaign(business, key) if key else None
    form = CampaignForm(business, request.POST, campaign=saved)
    form.is_valid()
    return form, saved
