"""Pages and actions of webhook endpoints."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render as render_page
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.errors import DomainError
from core.web.htmx import redirect, render
from webhooks import presenters, selectors
from webhooks.forms import ReplayForm, WebhookForm
from webhooks.models import Webhook
from webhooks.selectors import Filters
from webhooks.services import endpoints

PRESETS = (Webhook.Preset.SLACK, Webhook.Preset.N8N)


@require_safe
@member(Can.MANAGE_CONNECTIONS)
def index(request: MemberRequest) -> HttpResponse:
    """List the endpoints of the business."""
    business = request.access.business
    cards = presenters.cards(business, list(selectors.webhooks_of(business)))
    return render(request, "webhooks/list.html", "webhooks/_list.html", {"cards": cards})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def create(request: MemberRequest) -> HttpResponse:
    """Create an endpoint. The response shows its secret once."""
    preset = request.GET.get("preset", "")
    form = WebhookForm(request.POST or None)
    if preset in PRESETS:
        form.initial["preset"] = preset
    if request.method == "POST" and form.is_valid():
        access = request.access
        try:
            created = endpoints.create(access.business, access.user, **form.service_fields)
            return _secret_page(request, created.webhook, created.secret, is_new=True)
        except DomainError as error:
            _complain(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, "webhooks/create.html", "webhooks/_form.html", {"form": form}, status)


@require_safe
@member(Can.MANAGE_CONNECTIONS)
def detail(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """Show one endpoint with its status and latest deliveries."""
    webhook = selectors.get_webhook(request.access.business, webhook_id)
    return _detail(request, webhook)


def _detail(request: MemberRequest, webhook: Webhook, status: int = 200, **more: Any) -> HttpResponse:
    business = request.access.business
    state = request.GET.get("state", "")
    filters = Filters(webhook, state=state if state in selectors.State.values else "")
    page = selectors.deliveries_page(business, filters, request.GET.get("before", ""))
    context = {
        "webhook": webhook,
        "card": presenters.cards(business, [webhook])[0],
        "page": page,
        "rows": presenters.rows(page.deliveries),
        "state": filters.state,
        "states": selectors.State.choices,
        "replay_form": ReplayForm(),
    }
    return render(request, "webhooks/detail.html", "webhooks/_detail.html", context | more, status)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_CONNECTIONS)
def edit(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """Edit the settings of an endpoint."""
    access = request.access
    webhook = selectors.get_webhook(access.business, webhook_id)
    form = WebhookForm(request.POST or None, webhook=webhook)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.update(access.business, access.user, webhook, **form.service_fields)
            messages.success(request, "The webhook was changed.")
            return redirect(request, "webhooks:detail", webhook_id)
        except DomainError as error:
            _complain(form, error)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "webhook": webhook}
    return render(request, "webhooks/edit.html", "webhooks/_form.html", context, status)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def switch(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """POST: activate or pause an endpoint (on=1/0)."""
    access = request.access
    webhook = selectors.get_webhook(access.business, webhook_id)
    on = request.POST.get("on") == "1"
    endpoints.update(access.business, access.user, webhook, is_active=on)
    result = "is on: what has waited goes out now." if on else "is off. Nothing is recorded for it meanwhile."
    messages.success(request, f"{webhook.display_name} {result}")
    return redirect(request, "webhooks:detail", webhook_id)


@never_cache
@require_POST
@member(Can.MANAGE_CONNECTIONS)
def rotate(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """POST: rotate the secret. The response shows the new one once."""
    access = request.access
    webhook = selectors.get_webhook(access.business, webhook_id)
    secret = endpoints.rotate(access.business, access.user, webhook)
    return _secret_page(request, webhook, secret, is_new=False)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def test(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """POST: send a test event and redirect to its delivery."""
    access = request.access
    webhook = selectors.get_webhook(access.business, webhook_id)
    delivery = endpoints.send_test(access.business, access.user, webhook)
    return redirect(request, "webhooks:delivery", delivery.pk)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def replay(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """POST: requeue failed deliveries, or all of a range of time."""
    access = request.access
    webhook = selectors.get_webhook(access.business, webhook_id)
    form = ReplayForm(request.POST)
    if form.is_valid():
        only_failed = form.cleaned_data["which"] == "failed"
        moments = {name: form.cleaned_data[name] for name in ("since", "until")}
        try:
            count = endpoints.replay_many(
                access.business, access.user, webhook, only_failed=only_failed, **moments
            )
            messages.success(request, presenters.replayed(count))
            return redirect(request, "webhooks:detail", webhook_id)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _detail(request, webhook, 422, replay_form=form)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def delete(request: MemberRequest, webhook_id: UUID) -> HttpResponse:
    """POST: delete an endpoint with its deliveries."""
    access = request.access
    webhook = selectors.get_webhook(access.business, webhook_id)
    name = webhook.display_name
    endpoints.delete(access.business, access.user, webhook)
    messages.success(request, f"{name} was deleted.")
    return redirect(request, "webhooks:list")


def _secret_page(request: MemberRequest, webhook: Webhook, secret: str, *, is_new: bool) -> HttpResponse:
    context = {"webhook": webhook, "secret": secret, "is_new": is_new, "overlap": endpoints.OVERLAP}
    return render_page(request, "webhooks/secret.html", context)


def _complain(form: WebhookForm, error: DomainError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)
