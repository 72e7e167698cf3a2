"""Which of WhatsApp's inner parts the bridge needs, and what no longer works without each.

wa-js finds them by their shape. Its own functions are always there; what an update of WhatsApp has moved is missing
behind them, and shows silently, later, somewhere else. So the parts are looked for once the page has loaded.
"""

from __future__ import annotations

from collections.abc import Iterable

CALLS: tuple[str, ...] = (
    "WPP.on",
    "WPP.isReady",
    "WPP.isFullReady",
    "WPP.chat.downloadMedia",
    "WPP.chat.find",
    "WPP.chat.generateMessageID",
    "WPP.chat.get",
    "WPP.chat.getMessageById",
    "WPP.chat.getMessages",
    "WPP.chat.list",
    "WPP.chat.markIsComposing",
    "WPP.chat.markIsPaused",
    "WPP.chat.markIsRead",
    "WPP.chat.sendFileMessage",
    "WPP.chat.sendTextMessage",
    "WPP.conn.getAuthCode",
    "WPP.conn.getMyUserWid",
    "WPP.conn.getStreamData",
    "WPP.conn.isAuthenticated",
    "WPP.conn.isOnline",
    "WPP.conn.logout",
    "WPP.conn.refreshQR",
    "WPP.conn.startLinkDeviceCodeForPhoneNumber",
    "WPP.contact.getPnLidEntry",
    "WPP.contact.getProfilePictureUrl",
    "WPP.contact.subscribePresence",
    "WPP.profile.getMyProfileName",
)
"""What bridge.js calls of the bundle itself; missing only from another version than the one that is vendored."""
NEEDED: dict[str, tuple[str, ...]] = {
    "link": (
        "Base64",
        "Conn",
        "functions.isRegistered",
        "multidevice.adv",
        "multidevice.waNoiseInfo",
        "multidevice.waSignalStore",
    ),
    "state": ("Cmd", "Stream", "UserPrefs", "UserPrefs.getMaybeMePnUser", "functions.isAuthenticated"),
    "send": (
        "ChatModel",
        "ChatStore",
        "MsgKey",
        "MsgModel",
        "MsgStore.get",
        "Wid",
        "WidFactory.createWid",
        "enums.ACK",
        "functions.addAndSendMsgToChat",
        "functions.findOrCreateLatestChat",
        "functions.getEphemeralFields",
        "functions.randomMessageId",
        "functions.unixTime",
    ),
    "receive": ("MsgModel", "MsgStore"),
    "receipts": ("MsgStore", "enums.ACK", "functions.handleChatSimpleReceipt"),
    "history": ("ChatStore", "MsgStore", "functions.msgFindQuery|functions.msgFindByDirection"),
    "lookup": ("MsgStore.get", "functions.getSearchContext"),
    "reply": ("functions.canReplyMsg",),
    "media": ("MediaPrep", "OpaqueData"),
    "names": ("ContactStore", "ProfilePicThumbStore", "WidFactory"),
    "number_check": (
        "ApiContact",
        "ContactStore",
        "functions.queryWidExists",
        "lidPnCache",
        "lidPnCache.getCurrentLid",
        "lidPnCache.getPhoneNumber",
    ),
    "read": ("ChatStore", "contants.SANITIZED_VERSION_STR", "functions.sendSeen"),
    "typing": ("ChatPresence",),
}
"""Parts below `WPP.whatsapp` that bridge.js calls, or that what it calls needs; `a|b`: either will do.

`contants` is wa-js's own spelling.
"""
ESSENTIAL = frozenset({"bundle", "state", "send", "receive"})


def paths() -> list[str]:
    """Everything that is looked for."""
    parts = {one for needed in NEEDED.values() for part in needed for one in part.split("|")}
    return [*CALLS, *sorted(f"WPP.whatsapp.{part}" for part in parts)]


def capabilities(missing: Iterable[str]) -> list[str]:
    """What no longer works, sorted by name, when these paths are missing."""
    gone = {path.removeprefix("WPP.whatsapp.") for path in missing}
    lost = {
        name for name, needed in NEEDED.items() if any(gone.issuperset(part.split("|")) for part in needed)
    }
    return sorted(lost | ({"bundle"} if gone & set(CALLS) else set()))


def is_fatal(lost: Iterable[str], *, linked: bool) -> bool:
    """Whether to stop before doing harm. A number that is linked already can do without linking."""
    return bool(set(lost) & (ESSENTIAL if linked else ESSENTIAL | {"link"}))
