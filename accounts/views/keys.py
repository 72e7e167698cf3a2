"""Page of API keys and allowed origins: list, create, rotate, revoke."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import forms, key_forms, selectors
from accounts.access import MemberRequest, member
from accounts.api import examples
from accounts.models import ApiKey
from accounts.roles import Can
from accounts.services import keys as key_services
from accounts.services import origins as origin_services
from accounts.views.form_page import focus_first_error
from core.errors import DomainError


@require_safe
@member(Can.MANAGE_API_KEYS)
def keys(request: MemberRequest) -> HttpResponse:
    """List the keys with their last use, and the allowed origins."""
    allowed = "\n".join(selectors.origins_of(request.access.business))
    return _page(request, key_forms.OriginsForm(initial={"origins": allowed}))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.MANAGE_API_KEYS)
def key_create(request: MemberRequest) -> HttpResponse:
    """Create a key. Only the response to the POST shows it."""
    form = key_forms.KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key, text = key_services.create(request.access.business, request.access.user, **form.options())
        except DomainError as error:
            forms.add_error(form, error)
        else:
            return _created_page(request, key, text)
    focus_first_error(form)
    status = 422 if form.errors else 200
    return render(request, "accounts/key_create.html", {"form": form}, status=status)


@never_cache
@require_POST
@member(Can.MANAGE_API_KEYS)
def key_rotate(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """POST: replace a key by a new one with the same settings."""
    access = request.access
    selectors.get_api_key(access.business, key_id)
    form = key_forms.RotateForm(request.POST)
    hours = form.cleaned_data["overlap"] if form.is_valid() else 0
    key, text = key_services.rotate(access.business, access.user, key_id, overlap=timedelta(hours=hours))
    return _created_page(request, key, text)


@require_POST
@member(Can.MANAGE_API_KEYS)
def key_revoke(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """POST: revoke a key."""
    key = key_services.revoke(request.access.business, request.access.user, key_id)
    messages.success(request, f"“{key.name}” works no longer.")
    return redirect("accounts:keys")


@require_POST
@member(Can.MANAGE_API_KEYS)
def origins(request: MemberRequest) -> HttpResponse:
    """POST: replace the origins allowed to call the API from a browser."""
    form = key_forms.OriginsForm(request.POST)
    if form.is_valid():
        try:
            access = request.access
            origin_services.replace(access.business, access.user, form.cleaned_data["origins"].split())
            messages.success(request, "The list of web sites was saved.")
            return redirect("accounts:keys")
        except DomainError as error:
            forms.add_error(form, error)
    return _page(request, form)


def _page(request: MemberRequest, form: key_forms.OriginsForm) -> HttpResponse:
    context = {
        "keys": selectors.api_keys_of(request.access.business),
        "form": form,
        "overlaps": key_forms.OVERLAPS,
    }
    return render(request, "accounts/keys.html", context, status=422 if form.errors else 200)


def _created_page(request: MemberRequest, key: ApiKey, text: str) -> HttpResponse:
    context = {"key": key, "text": text, "examples": examples.all_of(settings.PUBLIC_URL, text)}
    return render(request, "accounts/key_created.html", context, status=201)
