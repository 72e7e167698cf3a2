"""Pages of the inbox."""

from messaging.views.actions import assign, cancel, contact, draft, read, retry, send, state, typing
from messaging.views.files import media, thumbnail, upload
from messaging.views.pages import conversation, inbox, messages, start
from messaging.views.replies import offered, reply_delete, reply_edit, reply_list

__all__ = [
    "assign",
    "cancel",
    "contact",
    "conversation",
    "draft",
    "inbox",
    "media",
    "messages",
    "offered",
    "read",
    "reply_delete",
    "reply_edit",
    "reply_list",
    "retry",
    "send",
    "start",
    "state",
    "thumbnail",
    "typing",
    "upload",
]
