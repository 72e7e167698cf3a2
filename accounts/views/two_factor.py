"""Two-factor authentication: the code at sign-in, and the page that turns it on and off."""

from __future__ import annotations

import time
from typing import Any, cast

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import forms, selectors
from accounts.models import User
from accounts.services import two_factor
from accounts.views.form_page import form_page
from core.errors import InvalidInput
from core.web import qr
from core.web.htmx import is_local

PENDING = "second_factor"
PENDING_SECONDS = 600
"""How long after the password the code may be entered."""


def request_code(request: HttpRequest, user: User, backend: str, remember: bool, to: str) -> HttpResponse:
    """Keep a sign-in with a correct password pending in the session and redirect to the code page."""
    request.session[PENDING] = {
        "user": str(user.pk),
        "password": user.get_session_auth_hash(),
        "backend": backend,
        "remember": remember,
        "to": to,
        "at": time.time(),
    }
    return redirect("accounts:login_code")


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """Complete a pending sign-in with a TOTP or recovery code."""
    pending = request.session.get(PENDING)
    user = _pending_user(pending)
    if user is None or pending is None:
        request.session.pop(PENDING, None)
        return redirect("accounts:login")
    form = forms.CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            two_factor.check(user, form.cleaned_data["code"])
            return _complete_login(request, user, pending)
        except InvalidInput as error:
            forms.add_error(form, error)
    return form_page(request, "accounts/login_code.html", form)


def _pending_user(pending: dict[str, Any] | None) -> User | None:
    if not pending or not 0 <= time.time() - pending["at"] < PENDING_SECONDS:
        return None
    user = selectors.active_user(pending["user"])
    if user is None or not constant_time_compare(user.get_session_auth_hash(), pending["password"]):
        return None
    return user


def _complete_login(request: HttpRequest, user: User, pending: dict[str, Any]) -> HttpResponse:
    request.session.pop(PENDING)
    auth.login(request, user, backend=pending["backend"])
    if not pending["remember"]:
        request.session.set_expiry(0)
    to = pending["to"]
    return redirect(to if is_local(request, to) else resolve_url(settings.LOGIN_REDIRECT_URL))


@never_cache
@login_required
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "POST"])
def two_factor_settings(request: HttpRequest) -> HttpResponse:
    """Turn two-factor authentication on or off."""
    user = cast(User, request.user)
    if two_factor.is_on(user):
        return _turn_off(request, user)
    return _turn_on(request, user)


def _turn_on(request: HttpRequest, user: User) -> HttpResponse:
    form = forms.TwoFactorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = two_factor.turn_on(user, **form.cleaned_data)
            return render(request, "accounts/recovery_codes.html", {"codes": codes})
        except InvalidInput as error:
            forms.add_error(form, error)
    secret = two_factor.begin(user)
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    code = qr.svg(two_factor.uri(user, secret))
    return form_page(request, "accounts/second_step_on.html", form, code=code, secret=grouped)


def _turn_off(request: HttpRequest, user: User) -> HttpResponse:
    form = forms.TwoFactorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            two_factor.turn_off(user, **form.cleaned_data)
            messages.success(request, "Signing in takes your password alone again.")
            return redirect("accounts:profile")
        except InvalidInput as error:
            forms.add_error(form, error)
    left = two_factor.recovery_codes_left(user)
    return form_page(request, "accounts/second_step_off.html", form, left=left)
