"""Pages to create, edit, switch and delete businesses."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts import forms
from accounts.access import SESSION_KEY, MemberRequest, member
from accounts.models import User
from accounts.roles import Can
from accounts.services import businesses
from accounts.views.form_page import form_page
from core.errors import Conflict, DomainError, NotFound


@login_required
@require_http_methods(["GET", "POST"])
def business_create(request: HttpRequest) -> HttpResponse:
    """Create a business, with the user as its owner, and switch to it."""
    user = cast(User, request.user)
    form = forms.BusinessForm(request.POST or None)
    if not form.is_bound:
        form.propose(user.time_zone, request.headers.get("Accept-Language", ""))
    if request.method == "POST" and form.is_valid():
        try:
            business = businesses.create(user, **form.cleaned_data)
        except DomainError as error:
            forms.add_error(form, error)
        else:
            request.session[SESSION_KEY] = str(business.pk)
            messages.success(request, f"{business.business_name} is ready.")
            return redirect("home")
    return form_page(request, "accounts/business_create.html", form)


@member()
@require_http_methods(["GET", "POST"])
def business_edit(request: MemberRequest) -> HttpResponse:
    """Edit the current business's profile; read-only without MANAGE_BUSINESS."""
    access = request.access
    initial = {name: getattr(access.business, name) for name in businesses.FIELDS}
    form = forms.BusinessEditForm(request.POST or None, initial={**initial, "business": access.business.pk})
    if request.method == "POST":
        access.require(Can.MANAGE_BUSINESS)
        if form.is_valid() and _save(request, form):
            messages.success(request, "The business profile is saved.")
            return redirect("accounts:business_edit")
    if not access.can(Can.MANAGE_BUSINESS):
        for field in form.fields.values():
            field.disabled = True
    return form_page(request, "accounts/business_edit.html", form)


def _save(request: MemberRequest, form: forms.BusinessEditForm) -> bool:
    """Save the profile. Returns False on an invalid form, raises Conflict if the business was switched meanwhile."""
    changes = dict(form.cleaned_data)
    if changes.pop("business") != request.access.business.pk:
        raise Conflict(
            "business_switched",
            "You switched to another business in the meantime. Nothing was saved; open the page again.",
        )
    try:
        businesses.update(request.access.business, request.access.user, **changes)
    except DomainError as error:
        forms.add_error(form, error)
        return False
    return True


@member(Can.DELETE_BUSINESS)
@require_http_methods(["GET", "POST"])
def business_delete(request: MemberRequest) -> HttpResponse:
    """Delete the current business, after typing its name."""
    access = request.access
    form = forms.BusinessDeleteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            businesses.delete(access.business, access.user, typed_name=form.cleaned_data["typed_name"])
        except DomainError as error:
            forms.add_error(form, error)
        else:
            request.session.pop(SESSION_KEY, None)
            messages.success(request, f"{access.business.business_name} is deleted.")
            return redirect("home")
    return form_page(request, "accounts/business_delete.html", form)


@login_required
@require_POST
def business_switch(request: HttpRequest) -> HttpResponse:
    """Switch to another business and redirect to its home page."""
    form = forms.BusinessChoiceForm(request.POST)
    if not form.is_valid():
        raise NotFound("This business")
    business = businesses.choose(cast(User, request.user), form.cleaned_data["business"])
    request.session[SESSION_KEY] = str(business.pk)
    return redirect("home")
