"""Which of WhatsApp's inner parts the bridge needs, and what no longer works without each.

wa-js finds them by their shape. One that an update has moved fails silently, later, somewhere else; so they are looked
for once the page has loaded.
"""

from __future__ import annotations

from collections.abc import Iterable

NEEDED: dict[str, tuple[str, ...]] = {
    "link": ("WPP.conn.getAuthCode", "WPP.conn.refreshQR", "WPP.conn.startLinkDeviceCodeForPhoneNumber"),
    "state": (
        "WPP.conn.isAuthenticated",
        "WPP.conn.getStreamData",
        "WPP.conn.getMyUserWid",
        "WPP.conn.logout",
    ),
    "send": (
        "WPP.chat.sendTextMessage",
        "WPP.chat.sendFileMessage",
        "WPP.chat.generateMessageID",
        "WPP.chat.find",
        "WPP.chat.get",
        "WPP.whatsapp.MsgKey",
    ),
    "receive": ("WPP.on", "WPP.chat.getMessageById", "WPP.whatsapp.MsgStore"),
    "media": ("WPP.chat.downloadMedia",),
    "names": ("WPP.contact.get", "WPP.contact.getPnLidEntry"),
    "number_check": ("WPP.contact.queryWidExists",),
    "read": ("WPP.chat.markIsRead",),
    "typing": ("WPP.chat.markIsComposing", "WPP.chat.markIsPaused"),
    "history": ("WPP.chat.list", "WPP.chat.getMessages"),
}
ESSENTIAL = frozenset({"state", "send", "receive"})


def paths() -> list[str]:
    """Everything that is looked for."""
    return [path for needed in NEEDED.values() for path in needed]


def capabilities(missing: Iterable[str]) -> list[str]:
    """What no longer works, sorted by name, when these paths are missing."""
    gone = set(missing)
    return sorted(name for name, needed in NEEDED.items() if gone & set(needed))
