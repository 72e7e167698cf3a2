"""What the inbox shows: the list, one conversation, older messages, the form that starts a conversation."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.errors import InvalidInput
from core.web.htmx import redirect, render, wants_partial
from messaging.forms import ListForm, StartForm
from messaging.inbox import chat, contexts, selectors
from messaging.inbox.read_models import MessagesPage
from messaging.models import Conversation
from messaging.services import conversations

PARTS = {"header": "messaging/_header.html", "card": "messaging/_card.html"}


@require_safe
@member()
def inbox(request: MemberRequest) -> HttpResponse:
    """The list with nothing opened. Partial: rows alone, from the first or from a cursor on."""
    wanted = ListForm.read(request.GET)
    context = contexts.listing(request.access, wanted)
    if not wants_partial(request):
        context |= contexts.frame(request.access)
    return render(request, "messaging/inbox.html", "messaging/_rows.html", context)


@require_safe
@member()
def conversation(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """The list and one conversation, at its newest message or around `at`. Partial: the conversation alone.

    part: only its header or the contact's card, for pages on which one of them has changed.
    """
    access = request.access
    found, draft = selectors.open_conversation(access.business, conversation_id, access.user)
    part = request.GET.get("part", "")
    if part in PARTS and wants_partial(request):
        return render(
            request, PARTS[part], PARTS[part], contexts.header(access, found) | contexts.card(access, found)
        )
    at = request.GET.get("at", "")
    page = chat.messages_page(access.business, found, around=at or None)
    return _chat(request, found, page, draft, at)


@require_safe
@member()
def messages(request: MemberRequest, conversation_id: UUID) -> HttpResponse:
    """A stretch of a conversation: the newest messages, or those `before` or `after` a cursor.

    Partial: the bubbles alone.
    """
    access = request.access
    found, draft = selectors.open_conversation(access.business, conversation_id, access.user)
    before, after = request.GET.get("before") or None, request.GET.get("after") or None
    page = chat.messages_page(access.business, found, before=before, after=after)
    if not wants_partial(request):
        return _chat(request, found, page, draft)
    context = contexts.stretch(request, found, page)
    if after:  # the page already has what is on the other side
        context["older_url"] = ""
    if before:
        context["newer_url"] = ""
    return render(request, "messaging/_messages.html", "messaging/_messages.html", context)


def _chat(
    request: MemberRequest, found: Conversation, page: MessagesPage, draft: str, at: str = ""
) -> HttpResponse:
    access = request.access
    context = contexts.chat(request, access, found, page, draft, at)
    if not wants_partial(request):
        context |= contexts.listing(access, ListForm.read(request.GET)) | contexts.frame(access)
        context["view"] = "card" if request.GET.get("view") == "card" else "chat"
    return render(request, "messaging/inbox.html", "messaging/_conversation.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.REPLY)
def start(request: MemberRequest) -> HttpResponse:
    """Write to a number that may never have written."""
    business = request.access.business
    form = StartForm(business, request.POST or None, initial={"phone": request.GET.get("phone", "")[:40]})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        number = form.numbers[values["connection"]]
        try:
            made = conversations.start(business, number, values["phone"], values["name"])
            return redirect(request, "messaging:conversation", made.pk)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else "phone", error.message)
    status = 422 if request.method == "POST" else 200
    return render(request, "messaging/start.html", "messaging/_start.html", {"form": form}, status)
