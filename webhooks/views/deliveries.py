"""Pages of the delivery log, of one delivery and of the event catalogue."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.web.htmx import redirect, render
from webhooks import presenters, selectors
from webhooks.forms import LogForm
from webhooks.selectors import Filters
from webhooks.services import endpoints


@require_safe
@member(Can.MANAGE_CONNECTIONS)
def log(request: MemberRequest) -> HttpResponse:
    """Show the filtered deliveries of all endpoints."""
    business = request.access.business
    form = LogForm(request.GET, webhooks=list(selectors.webhooks_of(business)))
    page = selectors.deliveries_page(business, Filters(**form.filters()), request.GET.get("before", ""))
    rows = presenters.rows(page.deliveries)
    context = {"form": form, "page": page, "rows": rows, "with_webhook": True}
    return render(request, "webhooks/log.html", "webhooks/_deliveries.html", context)


@require_safe
@member(Can.MANAGE_CONNECTIONS)
def detail(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    """Show a delivery with its payload and attempts."""
    delivery = selectors.get_delivery(request.access.business, delivery_id)
    context = {
        "delivery": delivery,
        "webhook": delivery.webhook,
        "attempts": presenters.attempts(delivery),
        "payload": presenters.pretty(delivery.event.payload),
        "sent": presenters.sent_body(delivery),
    }
    return render(request, "webhooks/delivery.html", "webhooks/_delivery.html", context)


@require_POST
@member(Can.MANAGE_CONNECTIONS)
def replay(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    """POST: requeue one delivery."""
    access = request.access
    delivery = selectors.get_delivery(access.business, delivery_id)
    endpoints.replay(access.business, access.user, delivery)
    messages.success(request, "It is sent again now.")
    return redirect(request, "webhooks:delivery", delivery_id)


@require_safe
@member(Can.MANAGE_CONNECTIONS)
def catalogue(request: MemberRequest) -> HttpResponse:
    """Show all event types with example payloads."""
    context = {"groups": presenters.catalogue()}
    return render(request, "webhooks/catalogue.html", "webhooks/_catalogue.html", context)
