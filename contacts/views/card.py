"""The page of one contact, and the forms on it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from accounts.views.form_page import focus_first_error
from contacts import forms, selectors, timeline
from contacts.card import card_context, sidebar_context
from contacts.filters.contact_filter import ContactFilter
from contacts.list import pagination
from contacts.models import ConsentProof
from contacts.services import consent, merging, notes, privacy, tags
from contacts.services import contacts as people
from contacts.views.pages import add_error, contact_values
from core.errors import DomainError
from core.web.htmx import redirect, render, wants_partial


@require_safe
@member()
def detail(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """GET: the page of a contact."""
    return _card(request, contact_id)


def _card(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    contact = selectors.get_contact(request.access.business, contact_id)
    context = card_context(request.access, contact)
    return render(request, "contacts/detail.html", "contacts/_card.html", context)


@require_safe
@member()
def side(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """GET: tags and notes, for the card beside a chat."""
    contact = selectors.get_contact(request.access.business, contact_id)
    context = sidebar_context(request.access, contact)
    return render(request, "contacts/_side.html", "contacts/_side.html", context)


def _changed(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """Answer a POST: the updated card for htmx, else a redirect.

    Beside a chat the card has only tags and notes.
    """
    if wants_partial(request) and request.POST.get("view") == "inbox":
        contact = selectors.get_contact(request.access.business, contact_id)
        context = sidebar_context(request.access, contact)
        return render(request, "contacts/_side.html", "contacts/_side.html", context)
    if wants_partial(request):
        return _card(request, contact_id)
    return redirect(request, "contacts:detail", contact_id)


@require_safe
@member()
def past(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """GET: older timeline entries. before: a time."""
    business = request.access.business
    contact = selectors.get_contact(business, contact_id)
    entries, more = timeline.page(business, contact, timeline.parse(request.GET.get("before", "")))
    context = {"contact": contact, "entries": entries, "more": more}
    return render(request, "contacts/_timeline.html", "contacts/_timeline.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def edit(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """GET, POST: edit name, number, e-mail address and custom fields."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    fields = selectors.fields_of(access.business)
    form = forms.ContactForm(request.POST or None, fields=fields, contact=contact)
    existing = ""
    if request.method == "POST" and form.is_valid():
        try:
            people.update(access.business, contact, access.user, **contact_values(form))
            messages.success(request, "The contact is saved.")
            return redirect(request, "contacts:detail", contact.pk)
        except DomainError as error:
            add_error(form, error)
            existing = error.extra.get("contact", "")
    focus_first_error(form)
    context = {"form": form, "contact": contact, "existing": existing}
    template = "contacts/edit.html"
    return render(request, template, template, context, status=422 if form.errors else 200)


@require_POST
@member(Can.EDIT_CONTACTS)
def tag(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """POST: add a tag by name."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    tags.add_by_name(access.business, contact, access.user, request.POST.get("name", ""))
    return _changed(request, contact.pk)


@require_POST
@member(Can.EDIT_CONTACTS)
def untag(request: MemberRequest, contact_id: UUID, tag_id: UUID) -> HttpResponse:
    """POST: remove a tag."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    tags.remove(access.business, [contact.pk], [selectors.get_tag(access.business, tag_id)], access.user)
    return _changed(request, contact.pk)


@require_POST
@member(Can.EDIT_CONTACTS)
def note(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """POST: add a note."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    notes.add(access.business, contact, access.user, request.POST.get("body", ""))
    return _changed(request, contact.pk)


@require_POST
@member(Can.EDIT_CONTACTS)
def note_edit(request: MemberRequest, note_id: UUID) -> HttpResponse:
    """POST: edit a note."""
    access = request.access
    changed = notes.update(access.business, note_id, access.user, request.POST.get("body", ""))
    return _changed(request, changed.contact_id)


@require_POST
@member(Can.EDIT_CONTACTS)
def note_delete(request: MemberRequest, note_id: UUID) -> HttpResponse:
    """POST: delete a note."""
    gone = notes.delete(request.access.business, note_id, request.access.user)
    return _changed(request, gone.contact_id)


@require_POST
@member(Can.EDIT_CONTACTS)
def opt(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """POST: opt a contact out or in on their behalf, with a note as proof."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    act = consent.opt_in if request.POST.get("state") == "in" else consent.opt_out
    act(
        access.business,
        [contact.pk],
        how=ConsentProof.How.TEAM,
        actor=access.user,
        note=request.POST.get("note", ""),
    )
    return _changed(request, contact.pk)


@require_POST
@member(Can.EDIT_CONTACTS)
def block(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """POST: block or unblock a contact."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    act = people.unblock if request.POST.get("state") == "off" else people.block
    act(access.business, [contact.pk], access.user)
    return _changed(request, contact.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def merge(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """GET: search the other contact, or preview the merge. POST: merge."""
    access = request.access
    business = access.business
    contact = selectors.get_contact(business, contact_id)
    other_id = request.POST.get("other") or request.GET.get("other")
    if not other_id:
        return _merge_search(request, contact_id)
    other = selectors.get_contact(business, other_id)
    if request.method == "POST":
        kept = merging.merge(business, access.user, contact, other)
        messages.success(request, f"{kept.display_name} is one contact now.")
        return redirect(request, "contacts:detail", kept.pk)
    context = {"contact": contact, "other": other, "lines": merging.preview(business, contact, other)}
    return render(request, "contacts/merge.html", "contacts/merge.html", context)


def _merge_search(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    business = request.access.business
    text = request.GET.get("q", "").strip()
    matches = (
        pagination.page(business, ContactFilter.parse(business, {"q": text}), limit=20).contacts
        if text
        else []
    )
    context = {
        "contact": selectors.get_contact(business, contact_id),
        "q": text,
        "found": [one for one in matches if one.pk != contact_id],
    }
    return render(request, "contacts/merge.html", "contacts/merge.html", context)


@require_POST
@member(Can.EDIT_CONTACTS)
def hand_over(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """POST: start the export of all data about the contact."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    return redirect(request, "jobs:detail", privacy.start(access.business, contact, access.user).pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.EDIT_CONTACTS)
def delete(request: MemberRequest, contact_id: UUID) -> HttpResponse:
    """GET, POST: delete a contact after its name was typed."""
    access = request.access
    contact = selectors.get_contact(access.business, contact_id)
    form = forms.DeleteForm(request.POST or None, expected=contact.display_name)
    if request.method == "POST" and form.is_valid():
        people.delete(access.business, [contact.pk], access.user)
        messages.success(request, f"{contact.display_name} is deleted.")
        return redirect(request, "contacts:list")
    focus_first_error(form)
    context = {"form": form, "contact": contact}
    template = "contacts/delete.html"
    return render(request, template, template, context, status=422 if form.errors else 200)
