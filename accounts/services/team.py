"""Manage a business's team: invite, accept, change a role, remove, leave.

Every function locks the business first, so that concurrent changes cannot leave it without an owner, and reads the
actor's role under that lock, so that a role revoked a moment ago no longer counts.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from accounts import selectors
from accounts.events import MembershipChanged
from accounts.models import BusinessProfile, Invitation, Membership, User
from accounts.roles import Can, Role, allows, may_grant
from accounts.services import audit, users
from accounts.services.businesses import lock as lock_business
from accounts.services.businesses import role_in
from core.clock import now
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.events import publish
from core.security.crypto import fingerprint

INVITATION_LIFETIME = timedelta(days=7)


def invite(business: BusinessProfile, actor: User, *, role: str, email: str = "") -> tuple[Invitation, str]:
    """Create an invitation. Returns (invitation, token); the token itself is not stored.

    email: if given, only a user with this address can accept. Raises Forbidden, InvalidInput.
    """
    with transaction.atomic():
        business = lock_business(business)
        _require_grant(role_in(business, actor), role)
        address = users.normalize_email(email)
        if address and Membership.objects.filter(business_profile=business, user__email=address).exists():
            raise InvalidInput(
                "already_member", "Somebody with this address is already in the team.", field="email"
            )
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            business_profile=business,
            email=address,
            role=role,
            token_hash=fingerprint(token),
            invited_by=actor,
            expires_at=now() + INVITATION_LIFETIME,
        )
        audit.record(business, actor, "invitation.created", invitation, role=role, bound=bool(address))
    return invitation, token


def revoke_invitation(business: BusinessProfile, actor: User, invitation_id: UUID) -> None:
    """Revoke an open invitation. Raises NotFound, Forbidden, Conflict("invitation_closed")."""
    with transaction.atomic():
        business = lock_business(business)
        actor_role = role_in(business, actor)
        invitation = Invitation.objects.filter(business_profile=business, id=invitation_id).first()
        if invitation is None:
            raise NotFound("This invitation")
        _require_grant(actor_role, invitation.role)
        if invitation.accepted_at or invitation.revoked_at:
            raise Conflict("invitation_closed", "This invitation was already used or revoked.")
        _revoke(business, actor, [invitation])


def check_invitation(invitation_id: UUID) -> Invitation:
    """Get an invitation that can be accepted now. Raises NotFound, Conflict."""
    invitation = selectors.get_invitation(invitation_id)
    _require_open(invitation)
    return invitation


def accept(invitation_id: UUID, user: User) -> Membership:
    """Accept an invitation. Raises NotFound, Conflict, and Forbidden if it is for another address."""
    with transaction.atomic():
        business = lock_business(check_invitation(invitation_id).business_profile)
        invitation = Invitation.objects.select_for_update().get(pk=invitation_id)
        _require_open(invitation)
        if invitation.email and invitation.email != user.email:
            raise Forbidden(
                "This invitation was made for another e-mail address. Sign in with that address, or ask for a new one."
            )
        if role_in(business, user):
            raise Conflict("already_member", f"You are already in the team of {business.business_name}.")
        membership = Membership.objects.create(user=user, business_profile=business, role=invitation.role)
        invitation.accepted_at, invitation.accepted_by = now(), user
        invitation.save(update_fields=["accepted_at", "accepted_by", "updated_at"])
        audit.record(
            business, user, "member.joined", membership, role=membership.role, invitation=str(invitation.pk)
        )
        publish(MembershipChanged(business_id=business.pk, user_id=user.pk, role=membership.role))
    return membership


def register_and_accept(
    invitation_id: UUID, *, email: str, password: str, full_name: str = "", time_zone: str = "UTC"
) -> Membership:
    """Register and accept in one transaction: if accepting fails, no user is created."""
    with transaction.atomic():
        check_invitation(invitation_id)
        user = users.register(email=email, password=password, full_name=full_name, time_zone=time_zone)
        return accept(invitation_id, user)


def change_role(business: BusinessProfile, actor: User, membership_id: UUID, role: str) -> Membership:
    """Change a member's role. Raises Forbidden unless the actor may grant both the old and the new role."""
    with transaction.atomic():
        business = lock_business(business)
        actor_role = role_in(business, actor)
        if not allows(actor_role, Can.MANAGE_TEAM):
            raise Forbidden()
        membership = selectors.get_member(business, membership_id)
        _require_grant(actor_role, membership.role)
        _require_grant(actor_role, role)
        if membership.role == role:
            return membership
        before, membership.role = membership.role, role
        if before == Role.OWNER:
            _require_other_owner(business, membership)
        membership.save(update_fields=["role", "updated_at"])
        _revoke_privileges(business, actor, membership, role)
        audit.record(
            business,
            actor,
            "member.role_changed",
            membership,
            user=str(membership.user_id),
            before=before,
            role=role,
        )
        publish(MembershipChanged(business_id=business.pk, user_id=membership.user_id, role=role))
    return membership


def remove(business: BusinessProfile, actor: User, membership_id: UUID) -> None:
    """Remove a member. Members may remove themselves. Raises Forbidden, NotFound, Conflict("last_owner")."""
    with transaction.atomic():
        business = lock_business(business)
        actor_role = role_in(business, actor)
        if not actor_role:
            raise Forbidden()
        membership = selectors.get_member(business, membership_id)
        if membership.user_id != actor.pk:
            _require_grant(actor_role, membership.role)
        _remove(business, actor, membership)


def leave(business: BusinessProfile, user: User) -> None:
    """Leave the team. Raises NotFound, Conflict("last_owner")."""
    with transaction.atomic():
        business = lock_business(business)
        membership = selectors.members_of(business).filter(user=user).first()
        if membership is None:
            raise NotFound("This member")
        _remove(business, user, membership)


def _remove(business: BusinessProfile, actor: User, membership: Membership) -> None:
    if membership.role == Role.OWNER:
        _require_other_owner(business, membership)
    Membership.objects.filter(pk=membership.pk).delete()
    _revoke_privileges(business, actor, membership, None)
    action = "member.left" if membership.user_id == actor.pk else "member.removed"
    audit.record(business, actor, action, membership, user=str(membership.user_id), role=membership.role)
    publish(MembershipChanged(business_id=business.pk, user_id=membership.user_id, role=None))


def _revoke_privileges(
    business: BusinessProfile, actor: User, membership: Membership, role: str | None
) -> None:
    """Revoke invitations that a member's new role (None: removed) may not grant, and hand over ownership."""
    invitations = selectors.open_invitations(business).filter(invited_by=membership.user_id)
    _revoke(
        business,
        actor,
        [invitation for invitation in invitations if not may_grant(role or "", invitation.role)],
    )
    if role != Role.OWNER and business.user_id == membership.user_id:
        owners = selectors.members_of(business).filter(role=Role.OWNER, user__is_active=True)
        successor = owners.exclude(pk=membership.pk).first()
        assert successor is not None, "the last owner cannot leave"
        business.user = successor.user
        business.save(update_fields=["user", "updated_at"])


def _revoke(business: BusinessProfile, actor: User, invitations: list[Invitation]) -> None:
    for invitation in invitations:
        invitation.revoked_at = now()
        invitation.save(update_fields=["revoked_at", "updated_at"])
        audit.record(business, actor, "invitation.revoked", invitation, role=invitation.role)


def _require_grant(actor_role: str, role: str) -> None:
    if role not in Role.values:
        raise InvalidInput("unknown_role", "Choose one of the roles in the list.", field="role")
    if not may_grant(actor_role, role):
        raise Forbidden(
            "Only an owner can make, change or remove an owner."
            if allows(actor_role, Can.MANAGE_TEAM)
            else "Your role does not allow this. Ask an owner or admin."
        )


def _require_other_owner(business: BusinessProfile, membership: Membership) -> None:
    owners = Membership.objects.filter(business_profile=business, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=membership.pk).exists():
        raise Conflict(
            "last_owner",
            "A business needs an owner. Make somebody else an owner first, or delete the business.",
        )


def _require_open(invitation: Invitation) -> None:
    if invitation.accepted_at:
        raise Conflict("invitation_used", "This invitation was already used. Ask for a new one.")
    if invitation.revoked_at:
        raise Conflict("invitation_revoked", "This invitation was withdrawn. Ask for a new one.")
    if invitation.expires_at <= now():
        raise Conflict("invitation_expired", "This invitation has expired. Ask for a new one.")
