"""Reads about people and businesses."""

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
    """The person with this id, unless switched off."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def businesses_of(user: User) -> list[BusinessProfile]:
    """The businesses that `user` is a member of, by name."""
    return _businesses.rows(user.pk)


_businesses = Prepared[BusinessProfile](
    lambda user: (
        BusinessProfile.objects.filter(memberships__user=user, deleted_at=None)
        .only("id", "business_name", "business_type")
        .order_by("business_name", "id")
    )
)


def members_of(business: BusinessProfile) -> QuerySet[Membership]:
    """The business's members with their users, longest-standing first."""
    return (
        Membership.objects.filter(business_profile=business)
        .select_related("user")
        .order_by("created_at", "id")
    )


def team_of(business: BusinessProfile) -> list[Membership]:
    """The business's members as menus name them: role, and of the user the name and the address."""
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
    """The e-mail addresses of the business's owners, for what they must know."""
    owners = Membership.objects.filter(
        business_profile=business, role=Role.OWNER, user__is_active=True
    ).order_by("created_at", "id")
    return list(owners.values_list("user__email", flat=True))


def get_member(business: BusinessProfile, membership_id: UUID) -> Membership:
    """One membership of the business. Raises NotFound, also for another business's."""
    membership = members_of(business).filter(id=membership_id).first()
    if membership is None:
        raise NotFound("This member")
    return membership


def open_invitations(business: BusinessProfile) -> QuerySet[Invitation]:
    """Invitations that can still be accepted, newest first."""
    return (
        Invitation.objects.filter(
            business_profile=business, accepted_at=None, revoked_at=None, expires_at__gt=now()
        )
        .select_related("invited_by")
        .order_by("-created_at")
    )


def invitation_by_token(token: str) -> Invitation:
    """The invitation that `token` opens, in whatever state it is. Raises NotFound."""
    invitation = Invitation.objects.filter(token_hash=fingerprint(token)).first()
    if invitation is None:
        raise NotFound("This invitation")
    return invitation


def get_invitation(invitation_id: UUID) -> Invitation:
    """An invitation whose link was opened, in whatever state it is, with its business. Raises NotFound."""
    invitation = (
        Invitation.objects.filter(pk=invitation_id, business_profile__deleted_at=None)
        .select_related("business_profile", "invited_by")
        .first()
    )
    if invitation is None:
        raise NotFound("This invitation")
    return invitation


def session_seconds_left(session_key: str | None) -> float:
    """How long a browser's session lasts from now on; 0 for one that is over."""
    ends = Session.objects.filter(pk=session_key).values_list("expire_date", flat=True).first()
    return max((ends - now()).total_seconds(), 0.0) if ends else 0.0


LOG_PAGE = 50


def audit_entries(
    business: BusinessProfile, before: UUID | None = None, limit: int = LOG_PAGE
) -> list[AuditEntry]:
    """The business's audit entries with their actors, newest first; with `before`, those older than that entry.

    Raises NotFound for an entry of another business.
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
    """The business's keys with their makers, those that still work first, newest first."""
    rows = ApiKey.objects.filter(business_profile=business).select_related("created_by")
    return rows.order_by("-is_active", "-created_at", "-id")


def get_api_key(business: BusinessProfile, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """One of the business's keys; `lock` holds it until the transaction ends. Raises NotFound."""
    rows = ApiKey.objects.filter(business_profile=business, pk=key_id)
    found = (rows.select_for_update() if lock else rows).first()
    if found is None:
        raise NotFound("This API key")
    return found


def api_key_by_prefix(prefix: str) -> ApiKey | None:
    """The key with this public beginning, in whatever state, with its business (and its owner) and its maker."""
    return _keys_by_prefix.first(prefix)


_keys_by_prefix = Prepared[ApiKey](
    lambda prefix: ApiKey.objects.select_related("business_profile__user", "created_by").filter(
        prefix=prefix
    ),
    by_key=True,
)


def get_business(business_id: UUID) -> BusinessProfile:
    """A business as it is now. The caller knows from the credential that it is theirs. Raises NotFound."""
    found = BusinessProfile.objects.filter(pk=business_id, deleted_at=None).first()
    if found is None:
        raise NotFound("This business")
    return found


def origins_of(business: BusinessProfile) -> list[str]:
    """Web sites whose pages may call the API for this business."""
    rows = CorsOrigin.objects.filter(business_profile=business).order_by("origin")
    return list(rows.values_list("origin", flat=True))
