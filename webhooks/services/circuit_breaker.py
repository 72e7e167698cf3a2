"""How the endpoints do: their rest, their failures, and switching off those that want or get nothing any more."""

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
from webhooks.delivery.http import Attempt, Endpoint
from webhooks.models import Webhook

log = structlog.get_logger(__name__)

DISABLE_AFTER = timedelta(days=5)
"""An endpoint to which nothing got through for so long is switched off."""
TOLD_EVERY = timedelta(seconds=60)
"""How exactly the time of the last success is kept: a busy endpoint's row is not written for each delivery."""
OVERLOADED = (429, 503)
"""Answers whose Retry-After is about the whole receiver, not about one event."""
LONGEST_REST = timedelta(hours=1)
MAILS_AT_ONCE = 50

State = Webhook.State


def endpoint(webhook: Webhook) -> Endpoint:
    """What a dispatcher needs of it."""
    secrets = [webhook.secret]
    if webhook.old_secret and webhook.old_secret_until and webhook.old_secret_until > now():
        secrets.append(webhook.old_secret)
    return Endpoint(
        id=webhook.pk,
        business_id=webhook.business_profile_id,
        url=webhook.url,
        preset=webhook.preset,
        secrets=tuple(secrets),
        headers=webhook.known_headers,
        failing_since=webhook.failing_since,
        last_success_at=webhook.last_success_at,
    )


def note(results: Sequence[Attempt]) -> None:
    """Write what attempts say about their endpoints, where it changes something; in the settling transaction."""
    groups: dict[UUID, list[Attempt]] = defaultdict(list)
    for result in results:
        groups[result.endpoint.id].append(result)
    for webhook_id, group in sorted(groups.items()):
        _note(webhook_id, group, now())


def _note(webhook_id: UUID, group: Sequence[Attempt], moment: datetime) -> None:
    known = group[-1].endpoint
    row = Webhook.objects.filter(pk=webhook_id)
    rest = max((result.retry_after or 0.0 for result in group if result.status in OVERLOADED), default=0.0)
    if rest:
        row.update(not_before=moment + min(timedelta(seconds=rest), LONGEST_REST))
    if any(result.gone for result in group):
        _disable(webhook_id, State.GONE, moment)
    elif any(result.succeeded for result in group):
        recent = known.last_success_at and known.last_success_at > moment - TOLD_EVERY
        if known.failing_since or not recent:
            row.update(failing_since=None, last_success_at=moment)
    elif known.failing_since is None:
        row.filter(failing_since=None).update(failing_since=moment)
    elif known.failing_since <= moment - DISABLE_AFTER:
        _disable(webhook_id, State.FAILING, moment)


def _disable(webhook_id: UUID, state: str, moment: datetime) -> None:
    """Switch an endpoint off; its owner is written to by `tell_owners`. Its deliveries wait for it."""
    row = Webhook.objects.filter(pk=webhook_id, is_active=True)
    if state == State.FAILING:
        row = row.filter(failing_since__lte=moment - DISABLE_AFTER)
    if not row.update(is_active=False, state=state, state_changed_at=moment, owner_told_at=None):
        return
    webhook = Webhook.objects.select_related("business_profile").get(pk=webhook_id)
    audit.record(webhook.business_profile, None, "webhook.disabled", webhook, reason=state)
    log.warning("webhook_disabled", webhook_id=str(webhook_id), reason=state)


def tell_owners() -> int:
    """Write to the owners of endpoints that were switched off and of which nobody was told. Returns how many mails.

    The row is marked before the mail goes out, so that two workers do not write twice; a mail server that does not
    answer makes it be tried again with the next tick.
    """
    rows = Webhook.objects.filter(
        Q(state=State.GONE) | Q(state=State.FAILING), owner_told_at=None, business_profile__deleted_at=None
    ).select_related("business_profile")
    sent = 0
    for webhook in rows.order_by("state_changed_at")[:MAILS_AT_ONCE]:
        mine = Webhook.objects.filter(pk=webhook.pk, owner_told_at=None)
        if not mine.update(owner_told_at=now()):
            continue
        try:
            sent += _write_to_owners(webhook)
        except OSError:
            log.warning("webhook_mail_failed", webhook_id=str(webhook.pk), exc_info=True)
            Webhook.objects.filter(pk=webhook.pk).update(owner_told_at=None)
    return sent


def _write_to_owners(webhook: Webhook) -> int:
    address = settings.PUBLIC_URL + reverse("webhooks:detail", args=[webhook.pk])
    text = render_to_string(
        "webhooks/mail/disabled.txt",
        {"webhook": webhook, "address": address, "gone": webhook.state == State.GONE},
    )
    subject = f"{webhook.business_profile}: a webhook was switched off"
    to = accounts.owner_addresses(webhook.business_profile)
    return send_mail(" ".join(subject.split()), text, None, to) if to else 0
