"""What a person may have done with their own account: be given what is stored, or close it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import AuditEntry, Membership, TokenSession, User
from accounts.services import api_sessions, audit, personal_data, reauthentication, second_factor, team, users
from core.ids import uuid7

ENTRIES = 10_000
"""Latest entries of the audit log that are handed over."""


def stored(user: User) -> dict[str, Any]:
    """All that is stored about the person themselves; what belongs to businesses is handed over to those."""
    memberships = Membership.objects.filter(user=user).select_related("business_profile")
    entries = AuditEntry.objects.filter(actor=user).order_by("-created_at", "-id")[:ENTRIES]
    return {
        "user": personal_data.plain(user),
        "memberships": [
            {**personal_data.plain(one), "business_name": one.business_profile.business_name}
            for one in memberships.order_by("created_at", "id")
        ],
        "api_sessions": [personal_data.plain(one) for one in TokenSession.objects.filter(user=user)],
        "second_factor": second_factor.is_on(user),
        "done": [personal_data.plain(one) for one in entries],
    }


def close(user: User, *, password: str) -> None:
    """Close the account for good: out of every team, signed out everywhere, and nothing left that names the person.

    What they wrote for businesses stays, without their name. Raises InvalidInput("wrong_password"), and
    Conflict("last_owner") while a business would lose its only owner.
    """
    reauthentication.password(user, password, "password")
    with transaction.atomic():
        for membership in Membership.objects.filter(
            user=user, business_profile__deleted_at=None
        ).select_related("business_profile"):
            team.leave(membership.business_profile, user)
        second_factor.remove(user, user)
        api_sessions.end_all(user.pk)
        audit.record(None, user, "user.closed", user)
        user.email = f"closed-{uuid7().hex}@invalid"
        user.full_name = "Former member"
        user.is_active = user.is_staff = user.is_superuser = False
        user.set_unusable_password()
        user.save()
        users.end_sessions(user)
