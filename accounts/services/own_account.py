"""Export and close one's own account."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import AuditEntry, Membership, TokenSession, User
from accounts.services import api_sessions, audit, personal_data, reauthentication, team, two_factor, users
from core.ids import uuid7

MAX_AUDIT_ENTRIES = 10_000
"""Latest audit entries that are exported."""


def export(user: User) -> dict[str, Any]:
    """Collect the personal data of the user. Data of businesses is exported by their owners."""
    memberships = Membership.objects.filter(user=user).select_related("business_profile")
    entries = AuditEntry.objects.filter(actor=user).order_by("-created_at", "-id")[:MAX_AUDIT_ENTRIES]
    sessions = TokenSession.objects.filter(user=user)
    return {
        "user": personal_data.row_data(user),
        "memberships": [
            {
                **personal_data.row_data(membership),
                "business_name": membership.business_profile.business_name,
            }
            for membership in memberships.order_by("created_at", "id")
        ],
        "api_sessions": [personal_data.row_data(session) for session in sessions],
        "second_factor": two_factor.is_on(user),
        "done": [personal_data.row_data(entry) for entry in entries],
    }


def close(user: User, *, password: str) -> None:
    """Close the account: leave every team, end all sessions and anonymise the user.

    What the user wrote for businesses stays, without their name. Raises InvalidInput("wrong_password"), and
    Conflict("last_owner") if a business would lose its only owner.
    """
    reauthentication.require_password(user, password, "password")
    with transaction.atomic():
        for membership in Membership.objects.filter(
            user=user, business_profile__deleted_at=None
        ).select_related("business_profile"):
            team.leave(membership.business_profile, user)
        two_factor.remove(user, user)
        api_sessions.end_all(user.pk)
        audit.record(None, user, "user.closed", user)
        user.email = f"closed-{uuid7().hex}@invalid"
        user.full_name = "Former member"
        user.is_active = user.is_staff = user.is_superuser = False
        user.set_unusable_password()
        user.save()
        users.end_sessions(user)
