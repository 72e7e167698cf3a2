"""Explanations of a number's state for people: title, text and next step."""

from __future__ import annotations

from dataclasses import dataclass

from connections.models import WhatsAppConnection

Reason = WhatsAppConnection.Reason
Status = WhatsAppConnection.Status


@dataclass(frozen=True)
class Explanation:
    """Explanation of a state. next_step: recommended action, or ""."""

    title: str
    text: str
    next_step: str = ""


def reason_text(connection: WhatsAppConnection) -> Explanation:
    """Return the explanation of the number's current state."""
    reason = connection.status_reason
    if connection.held_since and connection.is_connected:
        return _ON_HOLD
    if connection.status == Status.DISCONNECTED and connection.desired == WhatsAppConnection.Desired.ONLINE:
        problem = _REASONS.get(reason, _REASONS[Reason.ERROR])
        return Explanation(
            problem.title, problem.text, "Nothing to do: we try again by ourselves, less often each time."
        )
    if connection.status == Status.QR_PENDING and connection.pairing_phone:
        return _PAIRING
    return explanation_of(connection.status, reason)


def gap_text(connection: WhatsAppConnection) -> str:
    """Return why messages may still be missing after a gap; "" if none are."""
    if connection.gap_since is None:
        return ""
    if connection.gap_reason == "unreadable":
        chats = "1 chat" if connection.gap_chats == 1 else f"{connection.gap_chats} chats"
        return (
            f"{chats} couldn't be read completely. Messages of all other chats are here. We'll keep trying."
        )
    return _GAPS.get(connection.gap_reason, _GAPS["failed"])


def explanation_of(status: str, reason: str) -> Explanation:
    """Return the explanation of a stored status and reason."""
    if status == Status.DISCONNECTED and reason in _REASONS:
        return _REASONS[reason]
    if status == Status.DEGRADED and reason in _DEGRADED:
        return _DEGRADED[reason]
    if status == Status.STARTING and reason == Reason.NO_WORKER:
        return _NO_WORKER
    return _STATUSES[status]


_PAIRING = Explanation(
    "Waiting for the code",
    "This number is to be linked with a code instead of a QR code.",
    "On the phone open WhatsApp, Linked devices, Link with phone number, and type the code shown here.",
)

_ON_HOLD = Explanation(
    "On hold",
    "WhatsFlow was off for long, or its data was restored from a backup: what waits here may have been sent already. "
    "Messages come in, and none goes out.",
    "An owner or admin has to decide what becomes of the messages that wait.",
)

_NO_WORKER = Explanation(
    "Waiting for a worker",
    "No worker has taken this number: each drives as many as it may, or none runs. We ask again by ourselves.",
    "Disconnect a number that is not needed, or have another worker started or WHATSFLOW_MAX_SESSIONS raised.",
)

_GAPS = {
    "": "Messages that arrived since then are being fetched.",
    "no_answer": "WhatsApp Web didn't answer when it was asked for its chats. We'll keep trying.",
    "page_changed": "WhatsApp Web has changed, and its chats can't be read for now. Messages that arrived since then "
    "may be missing here: check the phone.",
    "failed": "WhatsApp's chats couldn't be read. Messages that arrived since then may be missing here. "
    "We'll keep trying.",
}
"""Texts by `gap_reason`."""

_STATUSES: dict[str, Explanation] = {
    Status.DISCONNECTED: Explanation(
        "Not connected", "Messages neither come in nor go out on this number.", "Press Connect to link it."
    ),
    Status.STARTING: Explanation(
        "Starting", "A worker is opening this number. This usually takes a few seconds.", ""
    ),
    Status.QR_PENDING: Explanation(
        "Waiting to be scanned",
        "The QR code is new every few seconds; after five of them it ends.",
        "On the phone open WhatsApp, Linked devices, Link a device, and scan the code.",
    ),
    Status.SYNCING: Explanation(
        "Syncing", "The phone is linked; recent messages are being fetched. Keep the phone online.", ""
    ),
    Status.CONNECTED: Explanation("Connected", "Messages come in and go out.", ""),
    Status.DEGRADED: Explanation(
        "Not answering",
        "The number is linked, but something does not answer. Messages wait and go out when it does.",
        "If this lasts more than a few minutes, disconnect and connect again.",
    ),
}

_DEGRADED: dict[str, Explanation] = {
    Reason.NO_ACKS: Explanation(
        "Sends are not confirmed",
        "WhatsApp has not confirmed the last messages for a minute. New ones wait until it answers.",
        "Check the phone's connection. We open the number anew by ourselves.",
    ),
    Reason.PHONE_OFFLINE: Explanation(
        "Phone offline",
        "WhatsApp cannot be reached over this phone. Messages wait and nothing is lost.",
        "Switch the phone on and give it a network.",
    ),
    Reason.NO_ANSWER: Explanation(
        "WhatsApp Web does not answer",
        "The page of this number has stopped answering. Messages wait and nothing is lost.",
        "Nothing to do: after a minute we open it anew by ourselves. If it comes back, look at the server's memory.",
    ),
    Reason.PAGE_CHANGED: Explanation(
        "WhatsApp Web changed",
        "A part of WhatsApp Web that this number needs is missing. The rest still works.",
        "Look for an update of WhatsFlow.",
    ),
    Reason.DISK_FULL: Explanation(
        "The server's disk is full",
        "Messages come in as long as there is room for them. None goes out and no file is taken until there is more.",
        "Tell whoever runs this server to make room.",
    ),
    Reason.LIMITED: Explanation(
        "Limited by WhatsApp",
        "WhatsApp does not let this number start new chats for now. Replies still go out.",
        "Pause campaigns on this number and wait; do not link it anew.",
    ),
}

_REASONS: dict[str, Explanation] = {
    Reason.USER: Explanation(
        "Disconnected",
        "Somebody of your team disconnected this number. Its messages wait.",
        "Press Connect to go on.",
    ),
    Reason.UNLINKED: Explanation(
        "Unlinked on the phone",
        "This device was removed from the linked devices on the phone.",
        "Press Connect and scan the new QR code.",
    ),
    Reason.REPLACED: Explanation(
        "Opened elsewhere",
        "The same login was opened in another place, and WhatsApp allows only one.",
        "Close it there, then press Connect.",
    ),
    Reason.PHONE_OFFLINE: Explanation(
        "Phone offline",
        "The phone has been offline for so long that WhatsApp ended the session.",
        "Switch the phone on, give it a network, then press Connect.",
    ),
    Reason.QR_EXPIRED: Explanation(
        "Nobody scanned the QR code",
        "Five codes were shown, and none was scanned or typed in time.",
        "Have the phone at hand and press Show a new code.",
    ),
    Reason.NUMBER_TAKEN: Explanation(
        "The number is linked in another place",
        "The scanned number already belongs to another connection here. It was unlinked again.",
        "Remove it there first, or scan with another phone.",
    ),
    Reason.WRONG_NUMBER: Explanation(
        "Another number was scanned",
        "This connection belongs to a different phone number, and its conversations with it. "
        "The scanned phone was unlinked again.",
        "Press Connect and scan with the right phone, or add the other number as a new connection.",
    ),
    Reason.BROWSER_DIED: Explanation(
        "Browser ended",
        "The browser that drives this number ended unexpectedly.",
        "Press Connect to start it again.",
    ),
    Reason.NO_BROWSER: Explanation(
        "No browser on the server",
        "The server that drives this number has no Chromium.",
        "On Debian or Ubuntu: apt install chromium chromium-driver. Then press Connect.",
    ),
    Reason.NOT_READY: Explanation(
        "WhatsApp Web did not become ready",
        "The page was opened and did not come up in time.",
        "Check the server's network. A picture of the page is kept for whoever runs the server.",
    ),
    Reason.OUTDATED: Explanation(
        "WhatsApp Web wants another version",
        "WhatsApp says that the page is too old, and loading it again did not help.",
        "Look for an update of WhatsFlow and of Chromium, then press Connect.",
    ),
    Reason.LOGIN_LOST: Explanation(
        "The login is gone",
        "The login of this number could not be restored on this server.",
        "Log out here, press Connect and scan the QR code again. Nothing else is lost.",
    ),
    Reason.PAGE_CHANGED: Explanation(
        "WhatsApp Web changed",
        "WhatsApp Web does not look as expected, so we stopped before doing harm.",
        "Look for an update of WhatsFlow, then press Connect.",
    ),
    Reason.LIMITED: Explanation(
        "Limited by WhatsApp",
        "WhatsApp restricts what this number may do for now.",
        "Open WhatsApp on the phone and read what it says. Pause campaigns before you connect again.",
    ),
    Reason.BANNED: Explanation(
        "Banned by WhatsApp",
        "WhatsApp has banned this number.",
        "Open WhatsApp on the phone and ask for a review there. We will not try again by ourselves.",
    ),
    Reason.NO_ACKS: Explanation(
        "Sends are not confirmed",
        "WhatsApp did not confirm the last messages, so the number is being opened anew.",
        "Check the phone's connection.",
    ),
    Reason.NO_ANSWER: Explanation(
        "WhatsApp Web does not answer",
        "The page of this number has stopped answering.",
        "Press Connect to open it anew. If it comes back, the server has too little memory or too many numbers.",
    ),
    Reason.ERROR: Explanation(
        "Unexpected error",
        "Something went wrong while this number was being driven.",
        "Press Connect. If it comes back, the worker's log has the details.",
    ),
}
