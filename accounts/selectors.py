"""Queries of users, businesses, teams, API keys and the audit log."""

from __future__ import annotations

from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet

from accounts.models import ApiKey, AuditEntry, BusinessProfile, CorsOrigin, Invitation, Membership, User
from accounts.roles import Role
from core.clock import now
from core.db.compiled_queries import Prepared
from core.errors import NotFound
from core.security.crypto import fingerprint


def active_user(user_id: UUID | str) -> User | None:
    """Return the user with this id unless deactivated."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def businesses_of(user: User) -> list[BusinessProfile]:
    """List the businesses that `user` is a member of, by name."""
    return _businesses.rows(user.pk)


_businesses = Prepared[BusinessProfile](
    lambda user: (
        BusinessProfile.objects.filter(memberships__user=user, deleted_at=None)
        .only("id", "business_name", "business_type")
        .order_by("business_name", "id")
    )
)


def members_of(business: BusinessProfile) -> QuerySet[Membership]:
    """List the business's members with their users, oldest membership first."""
    return (
        Membership.objects.filter(business_profile=business)
        .select_related("user")
        .order_by("created_at", "id")
    )


def team_of(business: BusinessProfile) -> list[Membership]:
    """List the business's members with only role, name and e-mail loaded, for menus."""
    return _team.rows(business.pk)


_team = Prepared[Membership](
    lambda business: (
        Membership.objects.filter(business_profile=business)
        .select_related("user")
        .only("role", "user__email", "user__full_name")
        .order_by("created_at", "id")
    )
)


def owner_addresses(business: BusinessProfile) -> list[str]:
    """List the e-mail addresses of the business's active owners."""
    owners = Membership.objects.filter(
        business_profile=business, role=Role.OWNER, user__is_active=True
    ).order_by("created_at", "id")
    return list(owners.values_list("user__email", flat=True))


def get_member(business: BusinessProfile, membership_id: UUID) -> Membership:
    """Get one membership of the business. Raises NotFound."""
    membership = members_of(business).filter(id=membership_id).first()
    if membership is None:
        raise NotFound("This member")
    return membership


def open_invitations(business: BusinessProfile) -> QuerySet[Invitation]:
    """List the invitations that can still be accepted, newest first."""
    return (
        Invitation.objects.filter(
            business_profile=business, accepted_at=None, revoked_at=None, expires_at__gt=now()
        )
        .select_related("invited_by")
        .order_by("-created_at")
    )


def invitation_by_token(token: str) -> Invitation:
    """Get the invitation with this token, in any state. Raises NotFound."""
    invitation = Invitation.objects.filter(token_hash=fingerprint(token)).first()
    if invitation is None:
        raise NotFound("This invitation")
    return invitation


def get_invitation(invitation_id: UUID) -> Invitation:
    """Get an invitation in any state, with its business and inviter. Raises NotFound."""
    invitation = (
        Invitation.objects.filter(pk=invitation_id, business_profile__deleted_at=None)
        .select_related("business_profile", "invited_by")
        .first()
    )
    if invitation is None:
        raise NotFound("This invitation")
    return invitation


def session_seconds_left(session_key: str | None) -> float:
    """Return the remaining seconds of a browser session; 0 if it has ended."""
    ends = Session.objects.filter(pk=session_key).values_list("expire_date", flat=True).first()
    return max((ends - now()).total_seconds(), 0.0) if ends else 0.0


LOG_PAGE_SIZE = 50


def audit_entries(
    business: BusinessProfile, before: UUID | None = None, limit: int = LOG_PAGE_SIZE
) -> list[AuditEntry]:
    """List the business's audit entries with their actors, newest first, older than the entry `before`.

    Raises NotFound if `before` is no entry of this business.
    """
    entries = AuditEntry.objects.filter(business_profile=business).select_related("actor")
    if before is not None:
        at = entries.filter(pk=before).values_list("created_at", flat=True).first()
        if at is None:
            raise NotFound("This page of the log")
        earlier = Q(created_at__lt=at) | Q(created_at=at, pk__lt=before)
        entries = entries.filter(earlier, created_at__lte=at)
    return list(entries.order_by("-created_at", "-id")[:limit])


def api_keys_of(business: BusinessProfile) -> QuerySet[ApiKey]:
    """List the business's keys with their creators, active ones first, then newest first."""
    rows = ApiKey.objects.filter(business_profile=business).select_related("created_by")
    return rows.order_by("-is_active", "-created_at", "-id")


def get_api_key(business: BusinessProfile, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """Get one of the business's keys, locked until the transaction ends if `lock`. Raises NotFound."""
    rows = ApiKey.objects.filter(business_profile=business, pk=key_id)
    key = (rows.select_for_update() if lock else rows).first()
    if key is None:
        raise NotFound("This API key")
    return key


def api_key_by_prefix(prefix: str) -> ApiKey | None:
    """Find the key with this prefix, in any state, with its business, the business's owner and its creator."""
    return _keys_by_prefix.first(prefix)


_keys_by_prefix = Prepared[ApiKey](
    lambda prefix: ApiKey.objects.select_related("business_profile__user", "created_by").filter(
        prefix=prefix
    ),
    by_key=True,
)


def get_business(business_id: UUID) -> BusinessProfile:
    """Get a business, whose id must come from the credential. Raises NotFound."""
    business = BusinessProfile.objects.filter(pk=business_id, deleted_at=None).first()
    if business is None:
        raise NotFound("This business")
    return business


def origins_of(business: BusinessProfile) -> list[str]:
    """List the origins allowed to call the API for this business from a browser."""
    rows = CorsOrigin.objects.filter(business_profile=business).order_by("origin")
    return list(rows.values_list("origin", flat=True))
