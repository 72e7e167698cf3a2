"""Create, update, delete, lock and choose businesses, the tenants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.events import BusinessDeleted, MembershipChanged
from accounts.models import BusinessProfile, Invitation, Membership, User
from accounts.roles import Can, Role, allows
from accounts.services import audit, purge
from accounts.services.users import check_time_zone
from core.clock import now
from core.errors import Forbidden, InvalidInput, NotFound
from core.events import publish
from core.phone import phone

FIELDS = frozenset(
    {
        "business_name",
        "industry",
        "website",
        "description",
        "business_type",
        "ai_profile",
        "time_zone",
        "default_country",
    }
)


def create(owner: User, *, business_name: str, **fields: Any) -> BusinessProfile:
    """Create a business with `owner` as its first owner."""
    business = BusinessProfile(user=owner)
    _assign(business, {"business_name": business_name, **fields})
    with transaction.atomic():
        business.save()
        membership = Membership.objects.create(user=owner, business_profile=business, role=Role.OWNER)
        audit.record(business, owner, "business.created", business)
        audit.record(business, owner, "member.joined", membership, user=str(owner.pk), role=Role.OWNER)
        publish(MembershipChanged(business_id=business.pk, user_id=owner.pk, role=Role.OWNER))
    return business


def update(business: BusinessProfile, actor: User, **changes: Any) -> BusinessProfile:
    """Update the business's profile. Raises Forbidden without MANAGE_BUSINESS, InvalidInput."""
    with transaction.atomic():
        business = lock(business)
        if not allows(role_in(business, actor), Can.MANAGE_BUSINESS):
            raise Forbidden()
        changed = _assign(business, changes)
        if changed:
            business.save(update_fields=[*changed, "updated_at"])
            audit.record(business, actor, "business.changed", business, fields=changed)
    return business


def delete(business: BusinessProfile, actor: User, *, typed_name: str) -> None:
    """Delete the business: remove all memberships now and its rows in the background. Owners only.

    typed_name: the business's name, typed to confirm. Raises Forbidden, InvalidInput("name_mismatch").
    """
    with transaction.atomic():
        business = lock(business)
        if not allows(role_in(business, actor), Can.DELETE_BUSINESS):
            raise Forbidden("Only an owner can delete the business.")
        if " ".join(typed_name.split()) != " ".join(business.business_name.split()):
            raise InvalidInput(
                "name_mismatch",
                f"This is not the business's name. Type “{business.business_name}” to delete it.",
                field="typed_name",
            )
        members = list(Membership.objects.filter(business_profile=business).values_list("user_id", flat=True))
        Membership.objects.filter(business_profile=business).delete()
        Invitation.objects.filter(business_profile=business).delete()
        BusinessProfile.objects.filter(pk=business.pk).update(deleted_at=now())
        audit.record(business, actor, "business.deleted", business, members=len(members))
        publish(
            BusinessDeleted(business_id=business.pk),
            *(MembershipChanged(business_id=business.pk, user_id=user_id, role=None) for user_id in members),
        )


def purge_deleted() -> int:
    """Purge every deleted business. Returns the number of removed businesses. Safe to run concurrently."""
    count = 0
    for business_id in BusinessProfile.objects.exclude(deleted_at=None).values_list("pk", flat=True):
        count += purge.business(business_id)
    return count


def choose(user: User, business_id: UUID) -> BusinessProfile:
    """Get a business to switch to. Raises NotFound unless `user` is a member of it."""
    business = BusinessProfile.objects.filter(pk=business_id, memberships__user=user, deleted_at=None).first()
    if business is None:
        raise NotFound("This business")
    return business


def role_in(business: BusinessProfile, user: User) -> str:
    """Return the user's current role in the business; "" if they are not a member."""
    role = (
        Membership.objects.filter(business_profile=business, user=user).values_list("role", flat=True).first()
    )
    return role or ""


def lock(business: BusinessProfile) -> BusinessProfile:
    """Lock the business until the transaction ends; serialises changes of its team and profile. Raises NotFound."""
    locked = BusinessProfile.objects.select_for_update().filter(pk=business.pk, deleted_at=None).first()
    if locked is None:
        raise NotFound("This business")
    return locked


def _assign(business: BusinessProfile, changes: dict[str, Any]) -> list[str]:
    """Set the fields that differ. Returns their names, sorted. Raises InvalidInput."""
    unknown = set(changes) - FIELDS
    if unknown:
        raise InvalidInput("unknown_field", f"These cannot be changed here: {', '.join(sorted(unknown))}.")
    if "business_name" in changes:
        changes["business_name"] = changes["business_name"].strip()
        if not changes["business_name"]:
            raise InvalidInput("name_missing", "Give the business a name.", field="business_name")
    if "time_zone" in changes:
        check_time_zone(changes["time_zone"])
    if "default_country" in changes:
        changes["default_country"] = phone.known_country(changes["default_country"], field="default_country")
    changed = sorted(name for name, value in changes.items() if getattr(business, name) != value)
    for name in changed:
        setattr(business, name, changes[name])
    return changed
