"""Access control: user, business and role of a request.

The business comes from the signed session, checked against the memberships on every request. No parameter overrides it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import scopes
from accounts.models import ApiKey, BusinessProfile, Membership, User
from accounts.roles import Can, allows
from core.db.compiled_queries import Prepared
from core.errors import Forbidden

SESSION_KEY = "business_id"


@dataclass(frozen=True)
class Permissions:
    """Capabilities of a role, looked up by capability in code and by name in templates."""

    role: str
    do_not_call_in_templates: ClassVar[bool] = True

    def __call__(self, capability: Can | str) -> bool:
        return allows(self.role, Can(capability))

    def __getitem__(self, name: str) -> bool:
        return allows(self.role, Can(name))


@dataclass(frozen=True)
class Access:
    """A user acting in a business. key: API key that acts in the user's name, if any.

    businesses: all that the user may switch to, by name.
    """

    user: User
    business: BusinessProfile
    role: str
    key: ApiKey | None = None
    businesses: tuple[BusinessProfile, ...] = ()

    @property
    def can(self) -> Permissions:
        """Permissions of the role: `access.can(Can.REPLY)`, in templates `{% if access.can.reply %}`."""
        return Permissions(self.role)

    def require(self, capability: Can) -> None:
        """Raise Forbidden unless the role allows `capability`."""
        if not self.can(capability):
            raise Forbidden()

    def require_scope(self, resource: scopes.Resource, level: str) -> None:
        """Raise Forbidden("missing_scope") if an API key without this scope acts."""
        if self.key is not None and not scopes.allows(self.key.scopes, resource, level):
            scope = scopes.scope(resource, level)
            raise Forbidden(f"This API key lacks the scope {scope}.", code="missing_scope")


class MemberRequest(HttpRequest):
    """Request that passed `member`: `access` is set."""

    access: Access


def find_access(user: User, business_id: str | None) -> Access | None:
    """Find the user's access to a business, or to their oldest one if `business_id` is None or not theirs.

    Returns None for a user without a business. One query; none right after `find_user`.
    """
    memberships = getattr(user, _PREFETCHED, None)
    if memberships is None:
        memberships = _memberships.rows(user.pk)
    else:
        delattr(user, _PREFETCHED)
    if not memberships:
        return None
    business_id = (business_id or "").lower()
    by_id = {str(membership.business_profile_id): membership for membership in memberships}
    membership = by_id.get(business_id, memberships[0])
    businesses = [row.business_profile for row in memberships if row.business_profile.deleted_at is None]
    businesses.sort(key=lambda business: (business.business_name.casefold(), business.pk))
    return Access(user, membership.business_profile, membership.role, businesses=tuple(businesses))


def access_to(user: User, business_id: str) -> Access | None:
    """Find the user's access to exactly this business; None if they are not a member. One query."""
    access = find_access(user, business_id)
    return access if access is not None and str(access.business.pk) == business_id.lower() else None


_PREFETCHED = "_prefetched_memberships"
"""Attribute in which `find_user` leaves the memberships for the next `find_access`; later calls query again."""


def find_user(user_id: UUID) -> User | None:
    """Load the user together with the memberships that every request needs next."""
    memberships = _memberships.rows(user_id)
    user = memberships[0].user if memberships else _users.first(user_id)
    if user is not None:
        setattr(user, _PREFETCHED, memberships)
    return user


_memberships = Prepared[Membership](
    lambda user: (
        Membership.objects.filter(user=user)
        .select_related("user", "business_profile")
        .order_by("created_at", "id")
    ),
    by_key=True,
)
_users = Prepared[User](lambda user: User.objects.filter(pk=user), by_key=True)


def member(
    capability: Can = Can.VIEW,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorate a view for members whose role allows `capability`; sets `request.access`.

    Redirects anonymous users to the login page and users without a business to the page that creates one. Raises
    Forbidden if the role does not suffice.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            access = getattr(request, "access", None)
            if access is None:
                return redirect("accounts:business_create")
            access.require(capability)
            return view(cast(MemberRequest, request), *args, **kwargs)

        wrapper.capability = capability  # type: ignore[attr-defined]
        return wrapper

    return decorate
