"""Signing up, in and out, and setting a forgotten password. For people who are not signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import structlog
from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib import auth
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import forms, tasks
from accounts.access import SESSION_KEY
from accounts.lockout import client_address
from accounts.models import Invitation, User
from accounts.services import second_factor, team, users
from accounts.views.form_page import focus_first_error, form_page
from accounts.views.second_factor import ask_for_code
from accounts.views.team import INVITATION_KEY, opened_invitation
from core import rate_limit
from core.api import envelope
from core.errors import DomainError, Forbidden

log = structlog.get_logger(__name__)

BACKEND = "accounts.backends.SessionBackend"
REGISTRATIONS_PER_HOUR = 30
RESETS_PER_ADDRESS = 5
RESETS_PER_CLIENT = 30


class LoginView(auth_views.LoginView):
    """Sign in with address and password; `next` leads only to pages of this site."""

    authentication_form = forms.LoginForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(registration_open=settings.REGISTRATION_OPEN, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user, remember = form.get_user(), form.cleaned_data["remember"]
        if second_factor.is_on(user):
            return ask_for_code(self.request, user, user.backend, remember, self.get_success_url())
        response = super().form_valid(form)
        if not remember:
            self.request.session.set_expiry(0)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        focus_first_error(form)
        return self.render_to_response(self.get_context_data(form=form), status=422)


def locked_out(
    request: HttpRequest,
    response: HttpResponse | None = None,
    credentials: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Too many wrong passwords for one account from one address. Says the same whether or not the account exists."""
    wait = get_cool_off(request)
    assert wait is not None
    minutes = max(1, round(wait.total_seconds() / 60))
    answer: HttpResponse
    if request.path.startswith("/api/"):
        error = rate_limit.TooManyRequests(
            "locked_out", f"Too many wrong passwords. Try again in {minutes} minutes."
        )
        answer = JsonResponse(envelope.failure_of(error), status=error.status)
    else:
        context = {"minutes": minutes, "until": timezone.now() + wait}
        answer = render(request, "accounts/locked_out.html", context, status=429)
    answer["Retry-After"] = str(int(wait.total_seconds()))
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session, and what it has open in other tabs."""
    user = request.user
    auth.logout(request)
    if user.is_authenticated:
        users.signed_out(user)
    return redirect("accounts:login")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """A new account; with `?invitation` also the membership that the opened invitation promises."""
    if request.user.is_authenticated:
        return redirect("home")
    invitation = team.check_invitation(opened_invitation(request)) if "invitation" in request.GET else None
    if not settings.REGISTRATION_OPEN and invitation is None:
        raise Forbidden("New accounts are by invitation only. Ask an owner or admin of your team for a link.")
    initial = {"email": invitation.email} if invitation else {}
    form = forms.RegisterForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        rate_limit.require("register", client_address(request) or "", REGISTRATIONS_PER_HOUR)
        try:
            return _registered(request, form.cleaned_data, invitation)
        except DomainError as error:
            forms.add_error(form, error)
    return form_page(request, "accounts/register.html", form, invitation=invitation)


def _registered(request: HttpRequest, data: dict[str, Any], invitation: Invitation | None) -> HttpResponse:
    if invitation is None:
        auth.login(request, users.register(**data), backend=BACKEND)
        return redirect("accounts:business_create")
    membership = team.register_and_accept(invitation.pk, **data)
    auth.login(request, membership.user, backend=BACKEND)
    request.session.pop(INVITATION_KEY, None)
    request.session[SESSION_KEY] = str(membership.business_profile_id)
    return redirect("home")


@require_http_methods(["GET", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Ask for a reset link. The answer and its time are the same for every address."""
    form = forms.PasswordResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _send_reset(client_address(request) or "", users.normal_email(form.cleaned_data["email"]))
        return redirect("accounts:password_reset_done")
    return form_page(request, "accounts/password_reset.html", form)


def _send_reset(client: str, email: str) -> None:
    """Have the mail sent in the background, unless somebody floods the mailbox; tells nobody which."""
    by_client = rate_limit.hit("reset-client", client, RESETS_PER_CLIENT)
    by_address = rate_limit.hit("reset-address", email, RESETS_PER_ADDRESS)
    if by_client.exceeded or by_address.exceeded:
        return
    try:
        tasks.send_password_reset.delay(email)
    except Exception:
        log.exception("password_reset_not_queued")


@require_GET
def password_reset_done(request: HttpRequest) -> HttpResponse:
    """Where to look for the mail."""
    return render(request, "accounts/password_reset_done.html")


class PasswordResetConfirmView(auth_views.PasswordResetConfirmView):
    """A new password by the link in the mail. Never signs anybody in."""

    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")
    post_reset_login = False

    def get_form_class(self) -> Any:
        return forms.NewPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            users.reset_password(cast(User, self.user), new=form.cleaned_data["new_password"])
        except DomainError as error:
            forms.add_error(form, error)
            return self.form_invalid(form)
        del self.request.session[auth_views.INTERNAL_RESET_SESSION_TOKEN]
        return redirect(str(self.success_url))

    def form_invalid(self, form: Any) -> HttpResponse:
        focus_first_error(form)
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_GET
def password_reset_complete(request: HttpRequest) -> HttpResponse:
    """The new password counts; sign in with it."""
    return render(request, "accounts/password_reset_complete.html")
