"""Actions of the inbox. An htmx request gets the changed partial, a plain form is redirected."""

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
from messaging.inbox import chat, contexts, fragments, selectors
from messaging.inbox.forms import AssignForm, ContactForm, DraftForm, SendForm, StateForm
from messaging.inbox.read_models import ChatMessage
from messaging.media import media_files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import queue
from messaging.services import conversations, typing_notices


@require_POST
@member(Can.REPLY)
def send(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: queue a message. A repeated client_token returns the same message."""
    access = request.access
    conversation = selectors.get_conversation(access.business, conversation_id)
    values = _valid(SendForm(request.POST, request.FILES))
    reply_to = values["reply_to"]
    message = queue.enqueue(
        access.business,
        conversation,
        sender=access.user,
        text=values["text"],
        media=_attachment(request, values),
        reply_to=selectors.get_message(access.business, reply_to) if reply_to else None,
        client_token=values["client_token"] or None,
    )
    conversations.save_draft(access.business, conversation, access.user, "")
    return _message(request, conversation, message)


@require_POST
@member(Can.REPLY)
def retry(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """POST: retry a message that is failed or unconfirmed."""
    access = request.access
    message = selectors.get_message(access.business, message_id)
    queue.retry(access.business, message, access.user)
    return _message(request, message.conversation, message)


@require_POST
@member(Can.REPLY)
def cancel(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """POST: cancel a queued message."""
    access = request.access
    message = selectors.get_message(access.business, message_id)
    queue.cancel(access.business, message, access.user)
    return _message(request, message.conversation, message)


@require_POST
@member(Can.REPLY)
def read(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: mark the conversation as read."""
    access = request.access
    conversation = selectors.get_conversation(access.business, conversation_id)
    conversations.mark_read(access.business, conversation, access.user)
    return HttpResponse(status=204)


@require_POST
@member(Can.REPLY)
def draft(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: save the draft."""
    access = request.access
    conversation = selectors.get_conversation(access.business, conversation_id)
    text = _valid(DraftForm(request.POST))["text"]
    conversations.save_draft(access.business, conversation, access.user, text)
    return HttpResponse(status=204)


@require_POST
@member(Can.REPLY)
def typing(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: set (`active`) or clear the typing indicator."""
    business = request.access.business
    conversation = selectors.get_conversation(business, conversation_id)
    typing_notices.report(business, conversation, bool(request.POST.get("active")))
    return HttpResponse(status=204)


@require_POST
@member(Can.REPLY)
def assign(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: assign or unassign the conversation."""
    access = request.access
    conversation = selectors.get_conversation(access.business, conversation_id)
    assignee_id = _valid(AssignForm(request.POST))["assignee"]
    assigned = conversations.assign(
        access.business, conversation, access.user, contexts.member_of(access.business, assignee_id)
    )
    return _header(request, assigned)


@require_POST
@member(Can.REPLY)
def state(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: close or reopen the conversation."""
    access = request.access
    conversation = selectors.get_conversation(access.business, conversation_id)
    new_state = _valid(StateForm(request.POST))["state"]
    change = conversations.close if new_state == Conversation.State.CLOSED else conversations.reopen
    return _header(request, change(access.business, conversation, access.user))


@require_POST
@member(Can.EDIT_CONTACTS)
def contact(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """POST: rename the contact."""
    access = request.access
    conversation = selectors.get_conversation(access.business, conversation_id)
    conversation.contact = contacts.rename(
        access.business, conversation.contact, access.user, _valid(ContactForm(request.POST))["name"]
    )
    if not wants_partial(request):
        return redirect(request, "messaging:conversation", conversation.pk)
    context = contexts.header(access, conversation) | contexts.card(access, conversation)
    return render_template(request, "messaging/_contact_changed.html", context)


def _valid(form: forms.Form) -> dict[str, Any]:
    """Return the form's values. Raises InvalidInput with its first error."""
    if form.is_valid():
        return form.cleaned_data
    field, errors = next(iter(form.errors.items()))
    raise InvalidInput("invalid_form", str(errors[0]), field=field)


def _attachment(request: MemberRequest, values: dict[str, Any]) -> MediaFile | None:
    """Return the attachment, uploaded before or in this form; None without one."""
    access = request.access
    if values["attachment"]:
        return media_files.get_media(access.business, values["attachment"])
    if values["file"]:
        return media_files.store_upload(access.business, access.user, values["file"])
    return None


def _message(request: MemberRequest, conversation: Conversation, message: Message) -> HttpResponse:
    if not wants_partial(request):
        return redirect(request, f"{contexts.conversation_url(conversation)}#message-{message.pk}")
    item = ChatMessage.of(message)
    quoted = chat.quoted_by(request.access.business.pk, [item]).get(item.reply_to_wa_id)
    name = conversation.contact.display_name
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    return HttpResponse(fragments.message(item, quoted, name, token))


def _header(request: MemberRequest, conversation: Conversation) -> HttpResponse:
    if not wants_partial(request):
        return redirect(request, "messaging:conversation", conversation.pk)
    return render_template(request, "messaging/_header.html", contexts.header(request.access, conversation))
