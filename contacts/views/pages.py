"""The contact list: search, filters, segments, columns and bulk actions."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from accounts.views.form_page import focus_first_error
from contacts import forms, selectors
from contacts.bulk import job as bulk
from contacts.bulk import registry
from contacts.filters.contact_filter import ContactFilter
from contacts.filters.describe import describe
from contacts.list import columns, contexts, pagination
from contacts.services import contacts as people
from contacts.services import segments
from core.errors import DomainError, InvalidInput
from core.web.htmx import redirect, render, wants_partial


@require_safe
@member()
def index(request: MemberRequest) -> HttpResponse:
    """GET: the list. Partial: its rows, for the filter and cursor of the query string."""
    context = contexts.listed(request.access, request.GET)
    if not wants_partial(request):
        context |= contexts.frame(request.access, context)
    else:
        context["words"] = describe(request.access.business, context["wanted"])
    return render(request, "contacts/list.html", "contacts/_results.html", context)


@require_safe
@member()
def total(request: MemberRequest) -> HttpResponse:
    """GET: the number of matching contacts. The list loads it separately."""
    business = request.access.business
    counted = pagination.total(business, forms.read_filter(business, request.GET))
    context = {"total": counted}
    return render(request, "contacts/_total.html", "contacts/_total.html", context)


@require_POST
@member()
def choose_columns(request: MemberRequest) -> HttpResponse:
    """POST: save the columns of this member."""
    business = request.access.business
    known = [column.key for column in columns.available(selectors.fields_of(business))]
    segments.choose_columns(business, request.access.user, forms.chosen_columns(request.POST, known))
    return redirect(request, f"{reverse('contacts:list')}?{_back(request)}")


def _back(request: MemberRequest) -> str:
    """Return the query string of the filter from which a form was sent.

    Rebuilt from its checked value.
    """
    stored = request.POST.get("filter") or "{}"
    try:
        filters = json.loads(stored)
    except ValueError:
        filters = None
    if not isinstance(filters, dict):
        raise InvalidInput("invalid_filter", "This page is out of date. Open the list again.")
    return forms.as_query(ContactFilter.parse(request.access.business, filters))


@require_POST
@member(Can.EDIT_CONTACTS)
def segment_save(request: MemberRequest) -> HttpResponse:
    """POST: save the filter as a new segment, or into the open one."""
    access = request.access
    query = _back(request)
    contact_filter = ContactFilter.parse(access.business, json.loads(request.POST.get("filter") or "{}"))
    if request.POST.get("segment"):
        segment = selectors.get_segment(access.business, request.POST["segment"])
        segments.update(access.business, segment.pk, access.user, contact_filter=contact_filter)
    else:
        segment = segments.create(access.business, access.user, request.POST.get("name", ""), contact_filter)
    messages.success(request, f"The segment {segment.name} is saved.")
    return redirect(request, f"{reverse('contacts:list')}?{urlencode({'segment': segment.pk})}&{query}")


@require_POST
@member(Can.EDIT_CONTACTS)
def segment_delete(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """POST: delete a segment."""
    segments.delete(request.access.business, segment_id, request.access.user)
    messages.success(request, "The segment is deleted. Its contacts are still here.")
    return redirect(request, "contacts:list")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def create(request: MemberRequest) -> HttpResponse:
    """GET, POST: create a contact."""
    access = request.access
    form = forms.ContactForm(request.POST or None, fields=selectors.fields_of(access.business))
    existing = ""
    if request.method == "POST" and form.is_valid():
        try:
            contact = people.create(access.business, access.user, **contact_values(form))
            messages.success(request, f"{contact.display_name} is added.")
            return redirect(request, "contacts:detail", contact.pk)
        except DomainError as error:
            add_error(form, error)
            existing = error.extra.get("contact", "")
    focus_first_error(form)
    context = {"form": form, "existing": existing}
    template = "contacts/create.html"
    return render(request, template, template, context, status=422 if form.errors else 200)


def contact_values(form: forms.ContactForm) -> dict[str, Any]:
    """Return the arguments of the services from a valid form."""
    data = form.cleaned_data
    own = {name: data[name] for name in ("phone_number", "name", "email")}
    return {**own, "fields": form.custom_values()}


def add_error(form: Any, error: DomainError) -> None:
    """Add a domain error to the form field that it is about."""
    names = (error.field, f"field.{error.field}")
    form.add_error(next((name for name in names if name in form.fields), None), error.message)


@require_POST
@member(Can.EDIT_CONTACTS)
def act(request: MemberRequest) -> HttpResponse:
    """POST: start a bulk action, and redirect to its job.

    ids, or with all=1 those who pass `filter` (JSON).
    """
    access, action = request.access, request.POST.get("action", "")
    _back(request)
    access.require(registry.get(action).capability)
    job = bulk.start(
        access.business,
        access.user,
        action=action,
        ids=None if request.POST.get("all") else request.POST.getlist("ids"),
        filters=json.loads(request.POST.get("filter") or "{}"),
        options=request.POST.dict(),
    )
    return redirect(request, "jobs:detail", job.pk)
