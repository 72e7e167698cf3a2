"""The list of contacts: searched, filtered, sorted, saved as segments, its columns chosen, many acted upon at once."""

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
    """The list. Partial: its rows, for the filter and from the place in the address."""
    context = contexts.listed(request.access, request.GET)
    if not wants_partial(request):
        context |= contexts.frame(request.access, context)
    else:
        context["words"] = describe(request.access.business, context["wanted"])
    return render(request, "contacts/list.html", "contacts/_results.html", context)


@require_safe
@member()
def total(request: MemberRequest) -> HttpResponse:
    """How many contacts pass the filter; the list asks for it when it is drawn."""
    business = request.access.business
    counted = pagination.total(business, forms.read_filter(business, request.GET))
    context = {"total": counted}
    return render(request, "contacts/_total.html", "contacts/_total.html", context)


@require_POST
@member()
def choose_columns(request: MemberRequest) -> HttpResponse:
    """Which columns this member sees from now on."""
    business = request.access.business
    known = [column.key for column in columns.available(selectors.fields_of(business))]
    segments.choose_columns(business, request.access.user, forms.chosen_columns(request.POST, known))
    return redirect(request, f"{reverse('contacts:list')}?{_back(request)}")


def _back(request: MemberRequest) -> str:
    """The filter from which a form was sent, made anew so that nothing else comes along."""
    stored = request.POST.get("filter") or "{}"
    try:
        given = json.loads(stored)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InvalidInput("invalid_filter", "This page is out of date. Open the list again.")
    return forms.as_query(ContactFilter.parse(request.access.business, given))


@require_POST
@member(Can.EDIT_CONTACTS)
def segment_save(request: MemberRequest) -> HttpResponse:
    """Keep the filter under a name: a new segment, or the one that is open."""
    access = request.access
    query = _back(request)
    wanted = ContactFilter.parse(access.business, json.loads(request.POST.get("filter") or "{}"))
    if request.POST.get("segment"):
        segment = selectors.get_segment(access.business, request.POST["segment"])
        segments.update(access.business, segment.pk, access.user, wanted=wanted)
    else:
        segment = segments.create(access.business, access.user, request.POST.get("name", ""), wanted)
    messages.success(request, f"The segment {segment.name} is saved.")
    return redirect(request, f"{reverse('contacts:list')}?{urlencode({'segment': segment.pk})}&{query}")


@require_POST
@member(Can.EDIT_CONTACTS)
def segment_delete(request: MemberRequest, segment_id: UUID) -> HttpResponse:
    """Forget a segment; its contacts stay."""
    segments.delete(request.access.business, segment_id, request.access.user)
    messages.success(request, "The segment is deleted. Its contacts are still here.")
    return redirect(request, "contacts:list")


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def create(request: MemberRequest) -> HttpResponse:
    """A new contact by hand."""
    access = request.access
    form = forms.ContactForm(request.POST or None, fields=selectors.fields_of(access.business))
    existing = ""
    if request.method == "POST" and form.is_valid():
        try:
            made = people.create(access.business, access.user, **contact_values(form))
            messages.success(request, f"{made.display_name} is added.")
            return redirect(request, "contacts:detail", made.pk)
        except DomainError as error:
            add_error(form, error)
            existing = error.extra.get("contact", "")
    focus_first_error(form)
    context = {"form": form, "existing": existing}
    template = "contacts/create.html"
    return render(request, template, template, context, status=422 if form.errors else 200)


def contact_values(form: forms.ContactForm) -> dict[str, Any]:
    """A valid form as the services take it."""
    given = form.cleaned_data
    own = {name: given[name] for name in ("phone_number", "name", "email")}
    return {**own, "fields": form.custom_values()}


def add_error(form: Any, error: DomainError) -> None:
    """A broken rule at the field that it is about."""
    names = (error.field, f"field.{error.field}")
    form.add_error(next((name for name in names if name in form.fields), None), error.message)


@require_POST
@member(Can.EDIT_CONTACTS)
def act(request: MemberRequest) -> HttpResponse:
    """Something with many: ids, or with all=1 everybody who passes `filter` (JSON). Goes to the job that does it."""
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
