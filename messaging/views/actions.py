"""What people do in the inbox. An htmx request gets the changed part, a plain form goes back to the conversation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render as render_template
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member
from accounts.roles import Can
from contacts.services import contacts
from core.errors import InvalidInput
from core.web.htmx import redirect, wants_partial
from messaging.forms import AssignForm, ContactForm, DraftForm, SendForm, StateForm
from messaging.inbox import chat, contexts, fragments, selectors
from messaging.inbox.read_models import Said
from messaging.media import media_files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import queue
from messaging.services import conversations, typing_notices


@require_POST
@member(Can.REPLY)
def send(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """Queue a message. The same client_token again gives the same message."""
    access = request.access
    found = selectors.get_conversation(access.business, conversation_id)
    values = _valid(SendForm(request.POST, request.FILES))
    reply_to = values["reply_to"]
    message = queue.enqueue(
        access.business,
        found,
        sender=access.user,
        text=values["text"],
        media=_attached(request, values),
        reply_to=selectors.get_message(access.business, reply_to) if reply_to else None,
        client_token=values["client_token"] or None,
    )
    conversations.save_draft(access.business, found, access.user, "")
    return _message(request, found, message)


@require_POST
@member(Can.REPLY)
def retry(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """Send a message again that failed or may not have left."""
    access = request.access
    message = selectors.get_message(access.business, message_id)
    queue.retry(access.business, message, access.user)
    return _message(request, message.conversation, message)


@require_POST
@member(Can.REPLY)
def cancel(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """Take back a message that still waits."""
    access = request.access
    message = selectors.get_message(access.business, message_id)
    queue.cancel(access.business, message, access.user)
    return _message(request, message.conversation, message)


@require_POST
@member(Can.REPLY)
def read(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """A person has seen it."""
    access = request.access
    found = selectors.get_conversation(access.business, conversation_id)
    conversations.mark_read(access.business, found, access.user)
    return HttpResponse(status=204)


@require_POST
@member(Can.REPLY)
def draft(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """Keep what is typed and not sent."""
    access = request.access
    found = selectors.get_conversation(access.business, conversation_id)
    text = _valid(DraftForm(request.POST))["text"]
    conversations.save_draft(access.business, found, access.user, text)
    return HttpResponse(status=204)


@require_POST
@member(Can.REPLY)
def typing(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """Somebody types an answer (`active`), or has stopped."""
    business = request.access.business
    found = selectors.get_conversation(business, conversation_id)
    typing_notices.report(business, found, bool(request.POST.get("active")))
    return HttpResponse(status=204)


@require_POST
@member(Can.REPLY)
def assign(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """Give the conversation to a member, or to nobody."""
    access = request.access
    found = selectors.get_conversation(access.business, conversation_id)
    assignee_id = _valid(AssignForm(request.POST))["assignee"]
    changed = conversations.assign(
        access.business, found, access.user, contexts.member_of(access.business, assignee_id)
    )
    return _header(request, changed)


@require_POST
@member(Can.REPLY)
def state(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """Close or reopen."""
    access = request.access
    found = selectors.get_conversation(access.business, conversation_id)
    wanted = _valid(StateForm(request.POST))["state"]
    act = conversations.close if wanted == Conversation.State.CLOSED else conversations.reopen
    return _header(request, act(access.business, found, access.user))


@require_POST
@member(Can.EDIT_CONTACTS)
def contact(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """Give the contact a name."""
    access = request.access
    found = selectors.get_conversation(access.business, conversation_id)
    found.contact = contacts.rename(
        access.business, found.contact, access.user, _valid(ContactForm(request.POST))["name"]
    )
    if not wants_partial(request):
        return redirect(request, "messaging:conversation", found.pk)
    context = contexts.header(access, found) | contexts.card(access, found)
    return render_template(request, "messaging/_contact_changed.html", context)


def _valid(form: forms.Form) -> dict[str, Any]:
    """The form's values. Raises InvalidInput with its first complaint."""
    if form.is_valid():
        return form.cleaned_data
    field, complaints = next(iter(form.errors.items()))
    raise InvalidInput("invalid_form", str(complaints[0]), field=field)


def _attached(request: MemberRequest, values: dict[str, Any]) -> MediaFile | None:
    """The file that goes with the message: uploaded before, or in this very form."""
    access = request.access
    if values["attachment"]:
        return selectors.get_media(access.business, values["attachment"])
    if values["file"]:
        return media_files.store_upload(access.business, access.user, values["file"])
    return None


def _message(request: MemberRequest, found: Conversation, message: Message) -> HttpResponse:
    if not wants_partial(request):
        return redirect(request, f"{contexts.address(found)}#message-{message.pk}")
    said = Said.of(message)
    quoted = chat.quoted_by(request.access.business.pk, [said]).get(said.reply_to_wa_id)
    name = found.contact.display_name
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    return HttpResponse(fragments.message(said, quoted, name, token))


def _header(request: MemberRequest, found: Conversation) -> HttpResponse:
    if not wants_partial(request):
        return redirect(request, "messaging:conversation", found.pk)
    return render_template(request, "messaging/_header.html", contexts.header(request.access, found))
