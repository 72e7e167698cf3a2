"""The team of a business: members, roles, invitations."""

from __future__ import annotations

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
from accounts.roles import Can, grantable, may_grant
from accounts.services import team as services
from accounts.views.form_page import form_page
from core.errors import DomainError, NotFound

INVITATION_KEY = "invitation_id"
"""The session's note of the invitation whose link was opened."""


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
            made, token = services.invite(access.business, access.user, **form.cleaned_data)
        except DomainError as error:
            forms.add_error(form, error)
        else:
            path = reverse("accounts:invitation_accept", args=[token])
            context = {"invitation": made, "link": f"{settings.PUBLIC_URL}{path}"}
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
    access = request.access
    membership = services.change_role(
        access.business, access.user, membership_id, request.POST.get("role", "")
    )
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
@require_GET
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """What an invitation link opens. The token goes no further than here: not into logs, other pages or the history."""
    try:
        found = selectors.invitation_by_token(token)
    except DomainError as error:
        return _closed(request, error)
    request.session[INVITATION_KEY] = str(found.pk)
    return redirect("accounts:invitation")


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Join by the invitation whose link was opened: with one's account, or after signing in or up."""
    try:
        found = services.check_invitation(opened_invitation(request))
        if request.method == "POST":
            return _join(request, found.pk)
    except DomainError as error:
        return _closed(request, error)
    wrong_address = request.user.is_authenticated and found.email != "" and request.user.email != found.email
    return render(request, "accounts/invitation.html", {"invitation": found, "wrong_address": wrong_address})


def opened_invitation(request: HttpRequest) -> UUID:
    """The invitation whose link was opened in this session. Raises NotFound."""
    key = request.session.get(INVITATION_KEY)
    if key is None:
        raise NotFound("This invitation")
    return UUID(key)


def _join(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("accounts:invitation"))
    membership = services.accept(invitation_id, request.user)
    request.session.pop(INVITATION_KEY, None)
    request.session[SESSION_KEY] = str(membership.business_profile_id)
    messages.success(request, f"Welcome to {membership.business_profile.business_name}.")
    return redirect("home")


def _closed(request: HttpRequest, error: DomainError) -> HttpResponse:
    return render(request, "accounts/invitation_closed.html", {"error": error}, status=error.status)
