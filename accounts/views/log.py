"""What was done in a business, for those who answer for it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import selectors
from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.errors import InvalidInput


@require_safe
@member(Can.MANAGE_BUSINESS)
def log(request: MemberRequest) -> HttpResponse:
    """The audit log, newest first; older entries from `before` on."""
    entries = selectors.audit_entries(request.access.business, _key(request.GET.get("before", "")))
    more = entries[-1].pk if len(entries) == selectors.LOG_PAGE else None
    rows = [(entry, words_of(entry.action)) for entry in entries]
    return render(request, "accounts/log.html", {"rows": rows, "more": more})


def words_of(action: str) -> str:
    """ "contact.note_changed" as "Contact: note changed"."""
    noun, _, verb = action.replace("_", " ").partition(".")
    return f"{noun.capitalize()}: {verb}" if verb else noun.capitalize()


def _key(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput("invalid_cursor", "This page of the log does not exist.", field="before") from None
