"""Changes that operators make in the admin, with audit entries and events."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from accounts.events import MembershipChanged
from accounts.models import Membership, User
from accounts.services import audit, users
from core.events import publish

ENDS_SESSIONS = frozenset({"is_active", "password"})


def save_user(user: User, operator: User, changed: Collection[str]) -> None:
    """Save a user whom an operator added or changed. changed: names of the fields."""
    with transaction.atomic():
        user.save()
        audit.record(None, operator, "operator.user_saved", user, fields=sorted(changed))
        if ENDS_SESSIONS & set(changed):
            users.end_sessions(user)


def password_set(user: User, operator: User) -> None:
    """Record that an operator has set a user's password, and end the user's sessions."""
    with transaction.atomic():
        audit.record(None, operator, "operator.password_set", user)
        users.end_sessions(user)


def save_membership(membership: Membership, operator: User) -> None:
    """Save a membership that an operator added or changed, for example to replace a lost owner."""
    business = membership.business_profile
    with transaction.atomic():
        membership.save()
        audit.record(
            business,
            operator,
            "operator.membership_saved",
            membership,
            user=str(membership.user_id),
            role=membership.role,
        )
        publish(MembershipChanged(business_id=business.pk, user_id=membership.user_id, role=membership.role))


def remove_membership(membership: Membership, operator: User) -> None:
    """Remove a membership."""
    business = membership.business_profile
    with transaction.atomic():
        audit.record(
            business, operator, "operator.membership_removed", membership, user=str(membership.user_id)
        )
        membership.delete()
        publish(MembershipChanged(business_id=business.pk, user_id=membership.user_id, role=None))
