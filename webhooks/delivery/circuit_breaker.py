"""Circuit breaker of endpoints: backoff, failure tracking and automatic disabling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import selectors as accounts
from accounts.services import audit
from core.clock import now
from webhooks.delivery.http import Attempt
from webhooks.models import Webhook

log = structlog.get_logger(__name__)

DISABLE_AFTER = timedelta(days=5)
"""An endpoint without a success for this long is disabled."""
SUCCESS_PRECISION = timedelta(seconds=60)
"""Precision of `last_success_at`: a busy endpoint's row is not written for each delivery."""
OVERLOAD_STATUSES = (429, 503)
"""Statuses whose Retry-After applies to the whole receiver, not to one event."""
MAX_BACKOFF = timedelta(hours=1)
MAX_MAILS = 50
"""Mails sent by one call of notify_owners."""

State = Webhook.State


def record_results(results: Sequence[Attempt]) -> None:
    """Update the endpoints of these attempts. Must be called in the transaction that settles the deliveries."""
    groups: dict[UUID, list[Attempt]] = defaultdict(list)
    for result in results:
        groups[result.endpoint.id].append(result)
    for webhook_id, group in sorted(groups.items()):
        _record_group(webhook_id, group, now())


def _record_group(webhook_id: UUID, group: Sequence[Attempt], moment: datetime) -> None:
    endpoint = group[-1].endpoint
    row = Webhook.objects.filter(pk=webhook_id)
    retry_after = max(
        (result.retry_after or 0.0 for result in group if result.status in OVERLOAD_STATUSES), default=0.0
    )
    if retry_after:
        row.update(not_before=moment + min(timedelta(seconds=retry_after), MAX_BACKOFF))
    if any(result.gone for result in group):
        _disable(webhook_id, State.GONE, moment)
    elif any(result.succeeded for result in group):
        recent = endpoint.last_success_at and endpoint.last_success_at > moment - SUCCESS_PRECISION
        if endpoint.failing_since or not recent:
            row.update(failing_since=None, last_success_at=moment)
    elif endpoint.failing_since is None:
        row.filter(failing_since=None).update(failing_since=moment)
    elif endpoint.failing_since <= moment - DISABLE_AFTER:
        _disable(webhook_id, State.FAILING, moment)


def _disable(webhook_id: UUID, state: str, moment: datetime) -> None:
    """Disable an endpoint and keep its pending deliveries; `notify_owners` sends the mail later."""
    row = Webhook.objects.filter(pk=webhook_id, is_active=True)
    if state == State.FAILING:
        row = row.filter(failing_since__lte=moment - DISABLE_AFTER)
    if not row.update(is_active=False, state=state, state_changed_at=moment, owner_told_at=None):
        return
    webhook = Webhook.objects.select_related("business_profile").get(pk=webhook_id)
    audit.record(webhook.business_profile, None, "webhook.disabled", webhook, reason=state)
    log.warning("webhook_disabled", webhook_id=str(webhook_id), reason=state)


def notify_owners() -> int:
    """Mail the owners of endpoints that were disabled since the last call. Returns the number of mails.

    The row is marked before the mail goes out, so that two workers do not send it twice. If the mail server fails, the
    mark is removed and the next call tries again.
    """
    rows = Webhook.objects.filter(
        Q(state=State.GONE) | Q(state=State.FAILING), owner_told_at=None, business_profile__deleted_at=None
    ).select_related("business_profile")
    sent = 0
    for webhook in rows.order_by("state_changed_at")[:MAX_MAILS]:
        unmarked = Webhook.objects.filter(pk=webhook.pk, owner_told_at=None)
        if not unmarked.update(owner_told_at=now()):
            continue
        try:
            sent += _mail_owners(webhook)
        except OSError:
            log.warning("webhook_mail_failed", webhook_id=str(webhook.pk), exc_info=True)
            Webhook.objects.filter(pk=webhook.pk).update(owner_told_at=None)
    return sent


def _mail_owners(webhook: Webhook) -> int:
    address = settings.PUBLIC_URL + reverse("webhooks:detail", args=[webhook.pk])
    text = render_to_string(
        "webhooks/mail/disabled.txt",
        {"webhook": webhook, "address": address, "gone": webhook.state == State.GONE},
    )
    subject = f"{webhook.business_profile}: a webhook was switched off"
    to = accounts.owner_addresses(webhook.business_profile)
    return send_mail(" ".join(subject.split()), text, None, to) if to else 0
