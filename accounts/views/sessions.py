"""Pages to register, sign in and out, and reset a password."""

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
from accounts.services import team, two_factor, users
from accounts.views.form_page import focus_first_error, form_page
from accounts.views.team import INVITATION_KEY, opened_invitation
from accounts.views.two_factor import request_code
from core import rate_limit
from core.api import envelope
from core.errors import DomainError, Forbidden

log = structlog.get_logger(__name__)

BACKEND = "accounts.backends.SessionBackend"
REGISTRATIONS_PER_HOUR = 30
RESETS_PER_ADDRESS = 5
RESETS_PER_CLIENT = 30


class LoginView(auth_views.LoginView):
    """Sign-in with e-mail and password; `next` leads only to pages of this site."""

    authentication_form = forms.LoginForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(registration_open=settings.REGISTRATION_OPEN, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user, remember = form.get_user(), form.cleaned_data["remember"]
        if two_factor.is_on(user):
            return request_code(self.request, user, user.backend, remember, self.get_success_url())
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
    """Respond to too many failed sign-ins; the same whether or not the account exists (django-axes)."""
    wait = get_cool_off(request)
    assert wait is not None
    minutes = max(1, round(wait.total_seconds() / 60))
    locked: HttpResponse
    if request.path.startswith("/api/"):
        error = rate_limit.TooManyRequests(
            "locked_out", f"Too many wrong passwords. Try again in {minutes} minutes."
        )
        locked = JsonResponse(envelope.failure_of(error), status=error.status)
    else:
        context = {"minutes": minutes, "until": timezone.now() + wait}
        locked = render(request, "accounts/locked_out.html", context, status=429)
    locked["Retry-After"] = str(int(wait.total_seconds()))
    locked["Cache-Control"] = "no-store"
    return locked


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """POST: sign out and close the user's live sockets."""
    user = request.user
    auth.logout(request)
    if user.is_authenticated:
        users.end_sessions(user)
    return redirect("accounts:login")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register; with `?invitation` also accept the opened invitation."""
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
            return _register(request, form.cleaned_data, invitation)
        except DomainError as error:
            forms.add_error(form, error)
    return form_page(request, "accounts/register.html", form, invitation=invitation)


def _register(request: HttpRequest, data: dict[str, Any], invitation: Invitation | None) -> HttpResponse:
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
    """Request a reset link. Response and response time are the same for every address."""
    form = forms.PasswordResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _send_reset(client_address(request) or "", users.normalize_email(form.cleaned_data["email"]))
        return redirect("accounts:password_reset_done")
    return form_page(request, "accounts/password_reset.html", form)


def _send_reset(client: str, email: str) -> None:
    """Queue the reset mail unless client or address exceed their limits, which the response does not reveal."""
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
    """Confirm that a reset mail was requested."""
    return render(request, "accounts/password_reset_done.html")


class PasswordResetConfirmView(auth_views.PasswordResetConfirmView):
    """New password by the link in the mail. Never signs anybody in."""

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
    """Confirm that the new password was set."""
    return render(request, "accounts/password_reset_complete.html")
