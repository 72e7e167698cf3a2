"""The team of a business: members, roles, invitations."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import forms, selectors
from accounts.access import SESSION_KEY, MemberRequest, member
from accounts.models import Invitation, User
from accounts.roles import Can, grantable, may_grant
from accounts.services import team as services
from accounts.views.form_page import form_page
from whatsflow.core.errors import DomainError, InvalidInput


@member()
@require_GET
def team(request: MemberRequest) -> HttpResponse:
    """Who is in the team, and which invitations are open."""
    access = request.access
    manager = access.can(Can.MANAGE_TEAM)
    rows = [
        {
            "membership": membership,
            "is_self": membership.user_id == access.user.pk,
            "may_change": may_grant(access.role, membership.role),
        }
        for membership in selectors.members_of(access.business)
    ]
    context = {
        "rows": rows,
        "roles": grantable(access.role),
        "manager": manager,
        "invitations": selectors.open_invitations(access.business) if manager else [],
    }
    return render(request, "accounts/team.html", context)


@member(Can.MANAGE_TEAM)
@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: MemberRequest) -> HttpResponse:
    """Make an invitation link. The link is in the answer to the POST and nowhere else."""
    access = request.access
    form = forms.InviteForm(request.POST or None, roles=grantable(access.role), initial={"role": "agent"})
    if request.method == "POST" and form.is_valid():
        try:
            invitation, token = services.invite(access.business, access.user, **form.cleaned_data)
        except DomainError as error:
            forms.add_error(form, error)
        else:
            path = reverse("accounts:invitation_accept", args=[token])
            context = {"invitation": invitation, "link": f"{settings.PUBLIC_URL}{path}"}
            return render(request, "accounts/invited.html", context, status=201)
    return form_page(request, "accounts/invite.html", form)


@member(Can.MANAGE_TEAM)
@require_POST
def invitation_revoke(request: MemberRequest, invitation_id: UUID) -> HttpResponse:
    """Make an invitation useless."""
    services.revoke_invitation(request.access.business, request.access.user, invitation_id)
    messages.success(request, "The invitation is withdrawn.")
    return redirect("accounts:team")


@member(Can.MANAGE_TEAM)
@require_POST
def member_role(request: MemberRequest, membership_id: UUID) -> HttpResponse:
    """Give a member another role."""
    role = request.POST.get("role", "")
    if not role:
        raise InvalidInput("unknown_role", "Choose one of the roles in the list.", field="role")
    membership = services.change_role(request.access.business, request.access.user, membership_id, role)
    messages.success(request, f"{membership.user} is now {membership.get_role_display().lower()}.")
    return redirect("accounts:team")


@member(Can.MANAGE_TEAM)
@require_POST
def member_remove(request: MemberRequest, membership_id: UUID) -> HttpResponse:
    """Take a member out of the team."""
    services.remove(request.access.business, request.access.user, membership_id)
    messages.success(request, "The member is removed from the team.")
    return redirect("accounts:team")


@member()
@require_POST
def team_leave(request: MemberRequest) -> HttpResponse:
    """Take oneself out of the team."""
    services.leave(request.access.business, request.access.user)
    request.session.pop(SESSION_KEY, None)
    messages.success(request, f"You have left {request.access.business.business_name}.")
    return redirect("home")


@never_cache
@require_http_methods(["GET", "POST"])
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """What an invitation link opens: join with one's account, or sign in or up first."""
    try:
        invitation = services.check_invitation(token)
        if request.method == "POST":
            return _join(request, token)
    except DomainError as error:
        context = {"error": error}
        return render(request, "accounts/invitation_closed.html", context, status=error.status)
    return render(request, "accounts/invitation.html", _invitation_context(request, invitation, token))


def _join(request: HttpRequest, token: str) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    membership = services.accept(token, cast(User, request.user))
    request.session[SESSION_KEY] = str(membership.business_profile_id)
    messages.success(request, f"Welcome to {membership.business_profile.business_name}.")
    return redirect("home")


def _invitation_context(request: HttpRequest, invitation: Invitation, token: str) -> dict[str, object]:
    here = reverse("accounts:invitation_accept", args=[token])
    return {
        "invitation": invitation,
        "wrong_address": bool(
            request.user.is_authenticated
            and invitation.email
            and cast(User, request.user).email != invitation.email
        ),
        "login_url": f"{reverse('accounts:login')}?next={here}",
        "register_url": f"{reverse('accounts:register')}?invitation={token}",
    }
