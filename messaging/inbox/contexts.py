"""What the inbox's templates are given: the list, the frame around it, one chat, its header and the contact's card."""

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
from messaging.forms import TAB_LABELS, message_limit
from messaging.inbox import fragments, selectors
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


def address(conversation: Conversation) -> str:
    """The conversation's page."""
    return reverse("messaging:conversation", args=[conversation.pk])


# -- the list --------------------------------------------------------------------------------------


def listing(access: Access, wanted: dict[str, str]) -> Context:
    """One page of the list. wanted: tab, q, before, tag (see ListForm)."""
    page = selectors.inbox_page(
        access.business,
        access.user,
        tab=wanted["tab"],
        search=wanted["q"],
        before=wanted["before"] or None,
        tag=UUID(wanted["tag"]) if wanted["tag"] else None,
    )
    more = {"tab": wanted["tab"], "before": page.next_cursor} if page.next_cursor else None
    if more and wanted["tag"]:
        more["tag"] = wanted["tag"]
    title, text = EMPTY[wanted["tab"]]
    if wanted["q"]:
        title, text = "Nothing found", "Names, numbers and the words of messages were searched."
    return {
        "tab": wanted["tab"],
        "q": wanted["q"],
        "tag": wanted["tag"],
        "list_tags": page.tags,
        "tabs": TAB_LABELS,
        "rows": fragments.rows(page.rows, wanted["q"]),
        "cut_short": page.cut_short,
        "more_url": f"{reverse('messaging:inbox')}?{urlencode(more)}" if more else "",
        "continued": bool(wanted["before"]),
        "empty_title": title,
        "empty_text": text,
    }


def frame(access: Access) -> Context:
    """What surrounds list and chat on a full page. unread_total: for the page's own frame, which need not ask again."""
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
    """Everything of one conversation. draft: what is typed and not sent; at: the message searched for or quoted."""
    return (
        header(access, conversation)
        | card(access, conversation)
        | stretch(request, conversation, page)
        | {
            "at": at,
            "draft": draft,
            "client_token": uuid7(),
            "limit": message_limit(),
            "reply_to": request.GET.get("reply_to", ""),
        }
    )


def header(access: Access, conversation: Conversation) -> Context:
    """Who it is, whose it is, whether it is open, and how its number is doing."""
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
            [one.user for one in accounts.team_of(access.business) if allows(one.role, Can.REPLY)],
            access.user,
            conversation.assigned_to_id,
        ),
    }


def _blocked(access: Access, number: WhatsAppConnection) -> str:
    """Why nothing can be written here; empty when it can."""
    if not access.can(Can.REPLY):
        return "You can read here. To write, ask an owner or admin for the role of an agent."
    if number.desired == WhatsAppConnection.Desired.LOGGED_OUT:
        return f"{number.display_name} is logged out of WhatsApp. Connect it again to write."
    return ""


def card(access: Access, conversation: Conversation) -> Context:
    """What is known of the contact."""
    person = conversation.contact
    others = selectors.other_conversations(access.business.pk, person.pk, than=conversation.pk)
    lid = "" if person.phone_number else contacts.lids_of([person.pk]).get(person.pk, "")
    return {
        "conversation": conversation,
        "contact": person,
        "lid": lid,
        "others": others,
        "can_edit": access.can(Can.EDIT_CONTACTS),
    }


def stretch(request: HttpRequest, conversation: Conversation, page: MessagesPage) -> Context:
    """Messages as bubbles, with the lines between them, and where there is more."""
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    line = _first_unread(conversation, page)
    more = reverse("messaging:messages", args=[conversation.pk])
    return {
        "bubbles": fragments.messages(page, conversation.contact.display_name, line, token),
        "older_url": f"{more}?{urlencode({'before': page.older})}" if page.older else "",
        "newer_url": f"{more}?{urlencode({'after': page.newer})}" if page.newer else "",
    }


def _first_unread(conversation: Conversation, page: MessagesPage) -> UUID | None:
    """The message above which the line "new messages" goes: the oldest of the unread ones that is on the page."""
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
    """The member with this id, None for no id. Raises InvalidInput for anybody else."""
    if user_id is None:
        return None
    for membership in accounts.members_of(business):
        if membership.user_id == user_id:
            return membership.user
    raise InvalidInput("not_a_member", "This person is not in your team any more.", field="assignee")
