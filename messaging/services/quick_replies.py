"""Create, update and delete quick replies."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from core.errors import Conflict, InvalidInput
from messaging.models import QuickReply

LENGTH = 4000
MOST = 500
"""Quick replies of one business; all of them are loaded into the composer at once."""
_SHORTCUT = re.compile(r"[\w-]{1,32}")


def create(business: BusinessProfile, actor: User, *, shortcut: str, text: str) -> QuickReply:
    """Create a quick reply.

    Raises InvalidInput ("invalid_shortcut", "shortcut_taken", "invalid_text"), Conflict("too_many").
    """
    reply = QuickReply(business_profile=business, created_by=actor)
    with transaction.atomic():
        if QuickReply.objects.filter(business_profile=business).count() >= MOST:
            raise Conflict(
                "too_many", f"A business has at most {MOST} quick replies. Delete some that nobody uses."
            )
        _write(reply, shortcut, text)
        audit.record(business, actor, "quick_reply.created", reply)
    return reply


def update(reply: QuickReply, actor: User, *, shortcut: str, text: str) -> QuickReply:
    """Change shortcut and text. Raises InvalidInput as `create`."""
    with transaction.atomic():
        _write(reply, shortcut, text)
        audit.record(reply.business_profile, actor, "quick_reply.updated", reply)
    return reply


def delete(reply: QuickReply, actor: User) -> None:
    """Delete the quick reply."""
    with transaction.atomic():
        audit.record(reply.business_profile, actor, "quick_reply.deleted", reply)
        QuickReply.objects.filter(pk=reply.pk).delete()


def _write(reply: QuickReply, shortcut: str, text: str) -> None:
    reply.shortcut = _clean_shortcut(shortcut)
    reply.text = _clean_text(text)
    try:
        with transaction.atomic():
            reply.save()
    except IntegrityError:
        raise InvalidInput(
            "shortcut_taken", f"There is a quick reply /{reply.shortcut} already.", field="shortcut"
        ) from None


def _clean_shortcut(shortcut: str) -> str:
    name = shortcut.strip().lstrip("/").lower()
    if not _SHORTCUT.fullmatch(name):
        raise InvalidInput(
            "invalid_shortcut",
            "Use 1 to 32 letters, digits, - and _ without blanks, like opening-hours.",
            field="shortcut",
        )
    return name


def _clean_text(text: str) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text or len(text) > LENGTH:
        raise InvalidInput(
            "invalid_text", f"Write the text that is sent, with at most {LENGTH:,} characters.", field="text"
        )
    return text
