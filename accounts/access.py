"""The credential's side of every request: which user, which business, which role.

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
    """What a role allows; asked by capability in code and by name in templates."""

    role: str
    do_not_call_in_templates: ClassVar[bool] = True

    def __call__(self, capability: Can | str) -> bool:
        return allows(self.role, Can(capability))

    def __getitem__(self, name: str) -> bool:
        return allows(self.role, Can(name))


@dataclass(frozen=True)
class Access:
    """One user acting in one business. `key`: the program that does it in their name.

    businesses: all that the user may switch to, by name.
    """

    user: User
    business: BusinessProfile
    role: str
    key: ApiKey | None = None
    businesses: tuple[BusinessProfile, ...] = ()

    @property
    def can(self) -> Permissions:
        """What the role allows: `access.can(Can.REPLY)`, in templates `{% if access.can.reply %}`."""
        return Permissions(self.role)

    def require(self, capability: Can) -> None:
        """Raise Forbidden unless the role allows `capability`."""
        if not self.can(capability):
            raise Forbidden()

    def require_scope(self, resource: scopes.Resource, level: str) -> None:
        """Raise Forbidden("missing_scope") when a key acts that has not been given this scope."""
        if self.key is not None and not scopes.allows(self.key.scopes, resource, level):
            wanted = scopes.scope(resource, level)
            raise Forbidden(f"This API key lacks the scope {wanted}.", code="missing_scope")


class MemberRequest(HttpRequest):
    """A request that passed `member`: `access` is set."""

    access: Access


def find_access(user: User, business_id: str | None) -> Access | None:
    """The user's access to `business_id`, or to their oldest business when none is chosen or it is not theirs.

    One query; none when `user` has just come from `find_user`.
    """
    memberships = getattr(user, _JUST_READ, None)
    if memberships is None:
        memberships = _memberships.rows(user.pk)
    else:
        delattr(user, _JUST_READ)
    if not memberships:
        return None
    wanted = (business_id or "").lower()
    chosen = next((one for one in memberships if str(one.business_profile_id) == wanted), memberships[0])
    businesses = [one.business_profile for one in memberships if one.business_profile.deleted_at is None]
    businesses.sort(key=lambda one: (one.business_name.casefold(), one.pk))
    return Access(user, chosen.business_profile, chosen.role, businesses=tuple(businesses))


def access_to(user: User, business_id: str) -> Access | None:
    """The user's access to this very business; None when it is not theirs. One query."""
    access = find_access(user, business_id)
    return access if access is not None and str(access.business.pk) == business_id.lower() else None


_JUST_READ = "_memberships_just_read"
"""Under which `find_user` leaves the memberships for the one `find_access` that follows; later ones ask again."""


def find_user(user_id: UUID) -> User | None:
    """The user, read together with the memberships that every request asks for next."""
    memberships = _memberships.rows(user_id)
    user = memberships[0].user if memberships else _users.first(user_id)
    if user is not None:
        setattr(user, _JUST_READ, memberships)
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
    """A page for members whose role allows `capability`; sets `request.access`.

    Anonymous people go to the login page, people without a business to the page that creates one; a role that does not
    suffice raises Forbidden.
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
