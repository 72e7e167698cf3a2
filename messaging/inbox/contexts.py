"""Template contexts of the inbox: list, page frame, chat, header and contact card."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html

from accounts import selectors as accounts
from accounts.access import Access
from accounts.models import BusinessProfile, User
from accounts.roles import Can, allows
from connections.models import WhatsAppConnection
from connections.state_texts import reason_text
from contacts import selectors as contacts
from core.errors import InvalidInput
from core.ids import uuid7
from messaging.inbox import fragments, selectors
from messaging.inbox.forms import TAB_LABELS, message_limit
from messaging.inbox.read_models import MessagesPage
from messaging.models import Conversation, Message

Context = dict[str, Any]

EMPTY = {
    "unread": ("Nothing unread", "Every message has been seen."),
    "mine": ("Nothing assigned to you", "Assign a conversation to yourself to find it here."),
    "open": ("No open conversations", "New messages appear here by themselves."),
    "all": ("No conversations yet", "They appear here as soon as somebody writes to one of your numbers."),
    "closed": ("No closed conversations", "What you close is kept here. A new message opens it again."),
}


def conversation_url(conversation: Conversation) -> str:
    return reverse("messaging:conversation", args=[conversation.pk])


# -- the list --------------------------------------------------------------------------------------


def conversation_list(access: Access, params: dict[str, str]) -> Context:
    """Build the context of a list page. params: tab, q, before, tag (see ListForm)."""
    page = selectors.inbox_page(
        access.business,
        access.user,
        tab=params["tab"],
        search=params["q"],
        before=params["before"] or None,
        tag=UUID(params["tag"]) if params["tag"] else None,
    )
    more = {"tab": params["tab"], "before": page.next_cursor} if page.next_cursor else None
    if more and params["tag"]:
        more["tag"] = params["tag"]
    title, text = EMPTY[params["tab"]]
    if params["q"]:
        title, text = "Nothing found", "Names, numbers and the words of messages were searched."
    return {
        "tab": params["tab"],
        "q": params["q"],
        "tag": params["tag"],
        "list_tags": page.tags,
        "tabs": TAB_LABELS,
        "rows": fragments.rows(page.rows, params["q"]),
        "cut_short": page.cut_short,
        "more_url": f"{reverse('messaging:inbox')}?{urlencode(more)}" if more else "",
        "continued": bool(params["before"]),
        "empty_title": title,
        "empty_text": text,
    }


def frame(access: Access) -> Context:
    """Build the context of the inbox frame. unread_total is also used by the site's frame, to save a query."""
    numbers, unread = selectors.numbers_and_unread(access.business)
    return {"numbers": numbers, "unread_total": unread, "can_reply": access.can(Can.REPLY), "view": "list"}


# -- one chat --------------------------------------------------------------------------------------


def chat(
    request: HttpRequest,
    access: Access,
    conversation: Conversation,
    page: MessagesPage,
    draft: str,
    at: str = "",
) -> Context:
    """Build the context of a conversation. draft: unsent text. at: id of the message to scroll to."""
    return (
        header(access, conversation)
        | card(access, conversation)
        | message_list(request, conversation, page)
        | {
            "at": at,
            "draft": draft,
            "client_token": uuid7(),
            "limit": message_limit(),
            "reply_to": request.GET.get("reply_to", ""),
        }
    )


def header(access: Access, conversation: Conversation) -> Context:
    """Build the context of the header: contact, assignee, state and the number's state."""
    number = conversation.connection
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "number": number,
        "explanation": reason_text(number) if number.held_since or not number.is_connected else None,
        "can_reply": access.can(Can.REPLY),
        "can_edit": access.can(Can.EDIT_CONTACTS),
        "blocked": _blocked(access, number),
        "assignees": fragments.assignees(
            [
                membership.user
                for membership in accounts.team_of(access.business)
                if allows(membership.role, Can.REPLY)
            ],
            access.user,
            conversation.assigned_to_id,
        ),
    }


def _blocked(access: Access, number: WhatsAppConnection) -> str:
    """Return why the user cannot write here, or ""."""
    if not access.can(Can.REPLY):
        return "You can read here. To write, ask an owner or admin for the role of an agent."
    if number.desired == WhatsAppConnection.Desired.LOGGED_OUT:
        return f"{number.display_name} is logged out of WhatsApp. Connect it again to write."
    return ""


def card(access: Access, conversation: Conversation) -> Context:
    """Build the context of the contact card."""
    contact = conversation.contact
    others = selectors.other_conversations(access.business.pk, contact.pk, than=conversation.pk)
    lid = "" if contact.phone_number else contacts.lids_of([contact.pk]).get(contact.pk, "")
    return {
        "conversation": conversation,
        "contact": contact,
        "lid": lid,
        "others": others,
        "can_edit": access.can(Can.EDIT_CONTACTS),
    }


def message_list(request: HttpRequest, conversation: Conversation, page: MessagesPage) -> Context:
    """Build the context of a page of messages, with URLs of the adjacent pages."""
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    first_unread = _first_unread(conversation, page)
    url = reverse("messaging:messages", args=[conversation.pk])
    return {
        "bubbles": fragments.messages(page, conversation.contact.display_name, first_unread, token),
        "older_url": f"{url}?{urlencode({'before': page.older})}" if page.older else "",
        "newer_url": f"{url}?{urlencode({'after': page.newer})}" if page.newer else "",
    }


def _first_unread(conversation: Conversation, page: MessagesPage) -> UUID | None:
    """Return the id of the oldest unread message on the page, above which the divider is shown; else None."""
    left, first = conversation.unread_count, None
    if page.newer:
        return None
    for message in reversed(page.messages):
        if left <= 0:
            break
        if message.direction == Message.Direction.INBOUND:
            first = message.id
            left -= 1
    return first


def member_of(business: BusinessProfile, user_id: UUID | None) -> User | None:
    """Return the member with this id; None without an id. Raises InvalidInput if there is no such member."""
    if user_id is None:
        return None
    for membership in accounts.members_of(business):
        if membership.user_id == user_id:
            return membership.user
    raise InvalidInput("not_a_member", "This person is not in your team any more.", field="assignee")
