"""Pages of one's own account: profile, e-mail address, password, data export, closing."""

from __future__ import annotations

from typing import cast

from django.contrib import auth, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import forms
from accounts.models import User
from accounts.services import own_account, two_factor, users
from accounts.views.form_page import form_page
from core.errors import Conflict, InvalidInput

PROFILE = ("full_name", "time_zone", "theme", "shortcuts_enabled")


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Edit name, time zone, theme and keyboard shortcuts."""
    user = cast(User, request.user)
    form = forms.ProfileForm(request.POST or None, initial={name: getattr(user, name) for name in PROFILE})
    if request.method == "POST" and form.is_valid():
        users.update_profile(user, **form.cleaned_data)
        messages.success(request, "Your profile is saved.")
        return redirect("accounts:profile")
    return form_page(request, "accounts/profile.html", form, two_factor_on=two_factor.is_on(user))


@login_required
@sensitive_post_parameters("current_password", "new_password")
@require_http_methods(["GET", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password; all other sessions end."""
    user = cast(User, request.user)
    form = forms.PasswordChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            users.change_password(user, current=data["current_password"], new=data["new_password"])
        except InvalidInput as error:
            forms.add_error(form, error)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, "Your password is changed. Everywhere else you have been signed out.")
            return redirect("accounts:profile")
    return form_page(request, "accounts/password_change.html", form)


@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def email_change(request: HttpRequest) -> HttpResponse:
    """Change the e-mail address, with the password."""
    form = forms.EmailChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            users.change_email(cast(User, request.user), **form.cleaned_data)
        except InvalidInput as error:
            forms.add_error(form, error)
        else:
            messages.success(request, "From now on you sign in with your new address.")
            return redirect("accounts:profile")
    return form_page(request, "accounts/email_change.html", form)


@login_required
@require_safe
def own_data(request: HttpRequest) -> HttpResponse:
    """Download one's personal data as JSON."""
    response = JsonResponse(own_account.export(cast(User, request.user)), json_dumps_params={"indent": 2})
    response["Content-Disposition"] = 'attachment; filename="whatsflow-account.json"'
    return response


@login_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest) -> HttpResponse:
    """Close the account, with the password."""
    form = forms.CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            own_account.close(cast(User, request.user), password=form.cleaned_data["password"])
        except (Conflict, InvalidInput) as error:
            forms.add_error(form, error)
        else:
            auth.logout(request)
            return render(request, "accounts/closed.html")
    return form_page(request, "accounts/close.html", form)
