"""Pages of a business's team: members, roles, invitations."""

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
from accounts.services import team as team_services
from accounts.views.form_page import form_page
from core.errors import DomainError, NotFound

INVITATION_KEY = "invitation_id"
"""Session key of the id of the opened invitation."""


@member()
@require_GET
def team(request: MemberRequest) -> HttpResponse:
    """List the members and, for managers, the open invitations."""
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
    """Create an invitation. Only the response to the POST shows its link."""
    access = request.access
    form = forms.InviteForm(request.POST or None, roles=grantable(access.role), initial={"role": "agent"})
    if request.method == "POST" and form.is_valid():
        try:
            invitation, token = team_services.invite(access.business, access.user, **form.cleaned_data)
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
    """POST: revoke an invitation."""
    team_services.revoke_invitation(request.access.business, request.access.user, invitation_id)
    messages.success(request, "The invitation is withdrawn.")
    return redirect("accounts:team")


@member(Can.MANAGE_TEAM)
@require_POST
def member_role(request: MemberRequest, membership_id: UUID) -> HttpResponse:
    """POST: change a member's role."""
    access = request.access
    membership = team_services.change_role(
        access.business, access.user, membership_id, request.POST.get("role", "")
    )
    messages.success(request, f"{membership.user} is now {membership.get_role_display().lower()}.")
    return redirect("accounts:team")


@member(Can.MANAGE_TEAM)
@require_POST
def member_remove(request: MemberRequest, membership_id: UUID) -> HttpResponse:
    """POST: remove a member from the team."""
    team_services.remove(request.access.business, request.access.user, membership_id)
    messages.success(request, "The member is removed from the team.")
    return redirect("accounts:team")


@member()
@require_POST
def team_leave(request: MemberRequest) -> HttpResponse:
    """POST: leave the team."""
    team_services.leave(request.access.business, request.access.user)
    request.session.pop(SESSION_KEY, None)
    messages.success(request, f"You have left {request.access.business.business_name}.")
    return redirect("home")


@never_cache
@require_GET
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Open an invitation link: keep the invitation in the session and redirect, so that the token leaves the URL."""
    try:
        invitation = selectors.invitation_by_token(token)
    except DomainError as error:
        return _closed(request, error)
    request.session[INVITATION_KEY] = str(invitation.pk)
    return redirect("accounts:invitation")


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Show and accept the opened invitation, with an account or after signing in or registering."""
    try:
        opened = team_services.check_invitation(opened_invitation(request))
        if request.method == "POST":
            return _join(request, opened.pk)
    except DomainError as error:
        return _closed(request, error)
    user = request.user
    wrong_address = user.is_authenticated and opened.email != "" and user.email != opened.email
    return render(request, "accounts/invitation.html", {"invitation": opened, "wrong_address": wrong_address})


def opened_invitation(request: HttpRequest) -> UUID:
    """Return the id of the invitation that was opened in this session. Raises NotFound."""
    key = request.session.get(INVITATION_KEY)
    if key is None:
        raise NotFound("This invitation")
    return UUID(key)


def _join(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("accounts:invitation"))
    membership = team_services.accept(invitation_id, request.user)
    request.session.pop(INVITATION_KEY, None)
    request.session[SESSION_KEY] = str(membership.business_profile_id)
    messages.success(request, f"Welcome to {membership.business_profile.business_name}.")
    return redirect("home")


def _closed(request: HttpRequest, error: DomainError) -> HttpResponse:
    return render(request, "accounts/invitation_closed.html", {"error": error}, status=error.status)
