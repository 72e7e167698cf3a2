"""Page of the audit log."""

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
    """Show the business's audit entries, newest first, older than `?before`."""
    entries = selectors.audit_entries(request.access.business, _entry_id(request.GET.get("before", "")))
    more = entries[-1].pk if len(entries) == selectors.LOG_PAGE_SIZE else None
    rows = [(entry, action_label(entry.action)) for entry in entries]
    return render(request, "accounts/log.html", {"rows": rows, "more": more})


def action_label(action: str) -> str:
    """Format "contact.note_changed" as "Contact: note changed"."""
    noun, _, verb = action.replace("_", " ").partition(".")
    return f"{noun.capitalize()}: {verb}" if verb else noun.capitalize()


def _entry_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput("invalid_cursor", "This page of the log does not exist.", field="before") from None
