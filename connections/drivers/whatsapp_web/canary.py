"""Which of WhatsApp's inner parts the bridge needs, and what no longer works without each.

wa-js finds them by their shape. Its own functions are always there; what an update of WhatsApp has moved is missing
behind them, and shows silently, later, somewhere else. So the parts are looked for once the page has loaded.
"""

from __future__ import annotations

from collections.abc import Iterable

NEEDED: dict[str, tuple[str, ...]] = {
    "link": (
        "Base64",
        "Conn",
        "functions.isRegistered",
        "multidevice.adv",
        "multidevice.waNoiseInfo",
        "multidevice.waSignalStore",
    ),
    "state": ("Cmd", "Stream", "UserPrefs", "functions.isAuthenticated"),
    "send": (
        "ChatModel",
        "ChatStore",
        "MsgKey",
        "MsgModel",
        "Wid",
        "WidFactory",
        "enums.ACK",
        "functions.addAndSendMsgToChat",
        "functions.findOrCreateLatestChat",
        "functions.getEphemeralFields",
        "functions.randomMessageId",
        "functions.unixTime",
    ),
    "receive": ("MsgModel", "MsgStore"),
    "receipts": ("MsgStore", "enums.ACK", "functions.handleChatSimpleReceipt"),
    "reply": ("functions.canReplyMsg",),
    "media": ("MediaPrep", "OpaqueData"),
    "names": ("ContactStore", "ProfilePicThumbStore", "WidFactory"),
    "number_check": ("ApiContact", "ContactStore", "functions.queryWidExists", "lidPnCache"),
    "read": ("ChatStore", "contants.SANITIZED_VERSION_STR", "functions.sendSeen"),
    "typing": ("ChatPresence",),
}
"""Parts below `WPP.whatsapp` (`contants` is wa-js's own spelling)."""
BRIDGE = (
    *(
        "WPP.on",
        "WPP.chat.find",
        "WPP.chat.get",
        "WPP.chat.list",
        "WPP.chat.getMessages",
        "WPP.chat.getMessageById",
    ),
    *(
        "WPP.chat.generateMessageID",
        "WPP.chat.sendTextMessage",
        "WPP.chat.sendFileMessage",
        "WPP.chat.downloadMedia",
    ),
    *("WPP.chat.markIsComposing", "WPP.chat.markIsPaused", "WPP.contact.getProfilePictureUrl"),
    *("WPP.chat.markIsRead", "WPP.contact.subscribePresence", "WPP.contact.get"),
    *(
        "WPP.contact.getPnLidEntry",
        "WPP.contact.queryWidExists",
        "WPP.conn.getAuthCode",
        "WPP.conn.refreshQR",
    ),
    *("WPP.conn.startLinkDeviceCodeForPhoneNumber", "WPP.conn.isAuthenticated", "WPP.conn.getStreamData"),
    *("WPP.conn.getMyUserWid", "WPP.conn.logout", "WPP.profile.getMyProfileName"),
)
"""What bridge.js calls; missing only from another version of the bundle than the one that is vendored."""
ESSENTIAL = frozenset({"bundle", "state", "send", "receive"})


def paths() -> list[str]:
    """Everything that is looked for."""
    return [*BRIDGE, *sorted({f"WPP.whatsapp.{part}" for needed in NEEDED.values() for part in needed})]


def capabilities(missing: Iterable[str]) -> list[str]:
    """What no longer works, sorted by name, when these paths are missing."""
    gone = {path.removeprefix("WPP.whatsapp.") for path in missing}
    lost = {name for name, needed in NEEDED.items() if gone & set(needed)}
    return sorted(lost | ({"bundle"} if gone & set(BRIDGE) else set()))


def is_fatal(lost: Iterable[str], *, linked: bool) -> bool:
    """Whether to stop before doing harm. A number that is linked already can do without linking."""
    return bool(set(lost) & (ESSENTIAL if linked else ESSENTIAL | {"link"}))
