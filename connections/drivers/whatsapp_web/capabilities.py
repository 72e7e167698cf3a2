"""Capabilities of the page, and the internals of WhatsApp Web that each depends on.

wa-js locates these internals by their shape. Its own functions always exist; an internal that an update of WhatsApp has
moved would fail only later and silently. So the internals are checked once the page has loaded.
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
"""Functions of the bundle that bridge.js calls; missing only if the bundle is not the vendored version."""
INTERNALS: dict[str, tuple[str, ...]] = {
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
"""Internals below `WPP.whatsapp` by capability, used by bridge.js directly or through wa-js. `a|b`: either suffices.

`contants` is wa-js's own spelling.
"""
ESSENTIAL = frozenset({"bundle", "state", "send", "receive"})


def required_paths() -> list[str]:
    """Return all paths to check."""
    internals = {
        internal for needed in INTERNALS.values() for either in needed for internal in either.split("|")
    }
    return [*CALLS, *sorted(f"WPP.whatsapp.{internal}" for internal in internals)]


def lost_capabilities(missing: Iterable[str]) -> list[str]:
    """Return the capabilities, sorted, that do not work without these paths."""
    gone = {path.removeprefix("WPP.whatsapp.") for path in missing}
    lost = {
        name
        for name, needed in INTERNALS.items()
        if any(gone.issuperset(either.split("|")) for either in needed)
    }
    return sorted(lost | ({"bundle"} if gone & set(CALLS) else set()))


def is_fatal(lost: Iterable[str], *, linked: bool) -> bool:
    """Return True if the session must stop. A number that is already linked does not need `link`."""
    return bool(set(lost) & (ESSENTIAL if linked else ESSENTIAL | {"link"}))
