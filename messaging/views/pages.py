"""Pages of the inbox: list, conversation, older messages, and the form that starts a conversation."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.errors import InvalidInput
from core.web.htmx import redirect, render, wants_partial
from messaging.inbox import chat, contexts, selectors
from messaging.inbox.forms import ListForm, StartForm
from messaging.inbox.read_models import MessagesPage
from messaging.models import Conversation
from messaging.services import conversations

PARTS = {"header": "messaging/_header.html", "card": "messaging/_card.html"}


@require_safe
@member()
def inbox(request: MemberRequest) -> HttpResponse:
    """GET: the list. Partial: rows, from the first or from a cursor."""
    context = contexts.conversation_list(request.access, ListForm.read(request.GET))
    if not wants_partial(request):
        context |= contexts.frame(request.access)
    return render(request, "messaging/inbox.html", "messaging/_rows.html", context)


@require_safe
@member()
def conversation(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """GET: list and conversation, at its newest message or around `at`. Partial: the conversation.

    `part`: only the header or the contact card, to refresh it.
    """
    access = request.access
    current, draft = selectors.open_conversation(access.business, conversation_id, access.user)
    part = request.GET.get("part", "")
    if part in PARTS and wants_partial(request):
        return render(
            request,
            PARTS[part],
            PARTS[part],
            contexts.header(access, current) | contexts.card(access, current),
        )
    at = request.GET.get("at", "")
    page = chat.messages_page(access.business, current, around=at or None)
    return _chat(request, current, page, draft, at)


@require_safe
@member()
def messages(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """GET: the newest messages, or those `before` or `after` a cursor. Partial: the messages."""
    access = request.access
    current, draft = selectors.open_conversation(access.business, conversation_id, access.user)
    before, after = request.GET.get("before") or None, request.GET.get("after") or None
    page = chat.messages_page(access.business, current, before=before, after=after)
    if not wants_partial(request):
        return _chat(request, current, page, draft)
    context = contexts.message_list(request, current, page)
    if after:  # the page already has the messages of the other side
        context["older_url"] = ""
    if before:
        context["newer_url"] = ""
    return render(request, "messaging/_messages.html", "messaging/_messages.html", context)


def _chat(
    request: MemberRequest, current: Conversation, page: MessagesPage, draft: str, at: str = ""
) -> HttpResponse:
    access = request.access
    context = contexts.chat(request, access, current, page, draft, at)
    if not wants_partial(request):
        context |= contexts.conversation_list(access, ListForm.read(request.GET)) | contexts.frame(access)
        context["view"] = "card" if request.GET.get("view") == "card" else "chat"
    return render(request, "messaging/inbox.html", "messaging/_conversation.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.REPLY)
def start(request: MemberRequest) -> HttpResponse:
    """GET: form. POST: start a conversation with a phone number."""
    business = request.access.business
    form = StartForm(business, request.POST or None, initial={"phone": request.GET.get("phone", "")[:40]})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        number = form.numbers[values["connection"]]
        try:
            started = conversations.start(business, number, values["phone"], values["name"])
            return redirect(request, "messaging:conversation", started.pk)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else "phone", error.message)
    status = 422 if request.method == "POST" else 200
    return render(request, "messaging/start.html", "messaging/_start.html", {"form": form}, status)
