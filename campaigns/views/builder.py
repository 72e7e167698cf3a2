"""Campaign builder: form, live preview and live count of the audience."""

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
from campaigns import draft_preview, selectors, texts
from campaigns.forms import CampaignForm
from campaigns.models import Campaign
from campaigns.services import drafts
from contacts import selectors as contacts
from core.errors import DomainError
from core.web.htmx import redirect, render
from messaging.media import media_files
from messaging.media import media_files as files
from messaging.models import MediaFile


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def create(request: MemberRequest) -> HttpResponse:
    """Create a draft, from scratch or from a template."""
    business = request.access.business
    initial: dict[str, Any] = {"time_zone": business.time_zone, "clock": time(9)}
    chosen = request.GET.get("template")
    if chosen:
        template = selectors.get_template(business, chosen)
        initial |= {"message_content": template.content, "attachment": template.media_id}
    form = CampaignForm(business, request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and (saved := _save(request, form, None)):
        return redirect(request, "campaigns:detail", saved.pk)
    return _page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.RUN_CAMPAIGNS)
def edit(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Edit a draft."""
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
    if request.method == "POST" and (saved := _save(request, form, campaign)):
        if campaign.status == campaign.Status.SCHEDULED:
            messages.warning(
                request, "It was taken off the schedule, so that you can look at it again first."
            )
        return redirect(request, "campaigns:detail", saved.pk)
    return _page(request, form, campaign)


def _save(request: MemberRequest, form: CampaignForm, campaign: Campaign | None) -> Campaign | None:
    """Save the draft. Returns None with errors on the form if it is invalid."""
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
    data = form.cleaned_data
    if data["upload"]:
        return files.store_upload(request.access.business, request.access.user, data["upload"])
    if data["remove_media"] or not data["attachment"]:
        return None
    return media_files.get_media(request.access.business, data["attachment"])


def _page(request: MemberRequest, form: CampaignForm, campaign: Campaign | None) -> HttpResponse:
    business = request.access.business
    draft = campaign if campaign and not form.is_bound else draft_preview.build(business, form, campaign)
    contacts_shown = draft_preview.preview_contacts(draft)
    context = {
        "media": draft_preview.media_of(business, form),
        "form": form,
        "campaign": campaign,
        "templates": selectors.templates_of(business),
        "variables": _variables(request),
        "previews": draft_preview.preview_texts(draft, contacts_shown),
        "people": contacts_shown,
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
    """POST: render the typed text for contacts of the audience."""
    business = request.access.business
    form, saved = _typed_form(request)
    draft = draft_preview.build(business, form, saved)
    contacts_shown = draft_preview.preview_contacts(draft)
    context = {
        "previews": draft_preview.preview_texts(draft, contacts_shown),
        "people": contacts_shown,
        "media": draft.media,
    }
    return render_template(request, "campaigns/_preview.html", context)


@require_POST
@member(Can.RUN_CAMPAIGNS)
def audience_count(request: MemberRequest) -> HttpResponse:
    """POST: count the audience of the typed form."""
    business = request.access.business
    form, saved = _typed_form(request)
    context = {"counts": draft_preview.counts(business, form, saved)}
    return render_template(request, "campaigns/_audience_count.html", context)


def _typed_form(request: MemberRequest) -> tuple[CampaignForm, Campaign | None]:
    """Return the submitted, possibly incomplete form and the draft that it edits."""
    business, key = request.access.business, request.GET.get("campaign")
    saved = selectors.get_campaign(business, key) if key else None
    form = CampaignForm(business, request.POST, campaign=saved)
    form.is_valid()
    return form, saved
