"""The phones, the people whom they talk to and what passes between them. No network in here."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standin.pages import Page
from tests.standin.things import (
    CUSTOMER,
    OWN_NUMBER,
    Media,
    Message,
    Person,
    Sent,
    StandinError,
    new_id,
)


@dataclass
class Phone:
    """A phone with a WhatsApp account, which links pages, and the people who write to it."""

    number: str = OWN_NUMBER
    lid: str = ""
    name: str = "Stand-in Shop"
    find_page: Callable[[str, str], Page | None] = lambda qr, code: None
    token: str = ""
    page: Page | None = None
    ended: dict[str, str] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    number_exists: set[str] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    media: dict[str, Media] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    composing: list[tuple[str, str]] = field(default_factory=list)
    auto_receipt: int = 2
    receipt_delay: float = 0.05
    migrated: bool = False
    failures: list[str] = field(default_factory=list)
    limited: bool = False
    """WhatsApp refuses messages to people who never wrote (error 463)."""
    hangs: list[str] = field(default_factory=list)
    lookups_fail: str = ""
    """How asking whether a number exists fails: "refused" (429), "hang", "nothing" or "status" (odd answers)."""
    looked_up: list[str] = field(default_factory=list)
    """Chat ids that the page asked for whether they exist."""
    searches_fail: bool = False
    """The page cannot search a chat for a message that it has not shown."""
    pictures_fail: bool = False
    """WhatsApp refuses to say where a picture is."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Customers whose chats the page cannot read: "error", or "hang" (it never answers)."""

    def __post_init__(self) -> None:
        self.lid = self.lid or self._lid_for(self.number)

    # Linking -----------------------------------------------------------------------------------------------

    @property
    def linked(self) -> bool:
        """Whether a device is linked."""
        return bool(self.token)

    @property
    def qr(self) -> str:
        """The QR code on show on the newest page, or nothing."""
        page = self.find_page("", "")
        return page.qr if page else ""

    @property
    def code(self) -> str:
        """The pairing code on show on the newest page that has one."""
        page = self.find_page("", "*")
        return page.code if page else ""

    def scan(self, qr: str = "") -> None:
        """Scan the QR code that is on show (or this one, if it still is)."""
        page = self.find_page(qr, "")
        if page is None:
            raise StandinError("No page shows this QR code")
        self._link(page)

    def pairing(self, code: str = "") -> None:
        """Type the pairing code on the phone."""
        page = self.find_page("", code.replace("-", "") or "*")
        if page is None:
            raise StandinError("No page shows this pairing code")
        self._link(page)

    def _link(self, page: Page) -> None:
        self._end_session("unknown_companion")
        self.token = secrets.token_urlsafe(32)
        self.page = page
        page.phone = self
        page.ref = page.qr = page.code = ""
        for message in self.messages:
            message.delivered = True  # what was before comes as history
        me = {"pn": f"{self.number.removeprefix('+')}@c.us", "lid": f"{self.lid}@lid", "name": self.name}
        page.tell("paired", token=self.token, me=me)

    def attach(self, page: Page) -> None:
        """A page came with this phone's login; one that was open elsewhere is told so."""
        if self.page is not None and not self.page.closed and self.page is not page:
            self.page.tell("mode", mode="CONFLICT", info="NORMAL")
        self.page = page
        page.phone = self

    def unlink(self, reason: str = "user_initiated") -> None:
        """Remove the device on the phone. reason: one of wa-js's LogoutReason values."""
        self._end_session(reason)

    def _end_session(self, reason: str) -> None:
        if self.token:
            self.ended[self.token] = reason
        self.token = ""
        page, self.page = self.page, None
        if page is not None and not page.closed:
            page.phone = None
            page.synced = False
            page.tell("logout", reason=reason)

    # The connection ----------------------------------------------------------------------------------------

    def _tell(self, kind: str, **content: Any) -> None:
        if self.page is not None:
            self.page.tell(kind, **content)

    def conflict(self) -> None:
        """WhatsApp Web was opened elsewhere with this login."""
        self.stream_mode("CONFLICT")

    def stream_mode(self, mode: str, info: str = "") -> None:
        """Put the page into any stream mode, like PROXYBLOCK or DEPRECATED_VERSION."""
        page = self.page or self.find_page("", "")
        if page is not None:
            page.tell("mode", mode=mode, info=info)

    def needs_update(self) -> None:
        """The page says that it is too old."""
        self._tell("needs_update")

    def qr_idle(self) -> None:
        """Nobody scanned for too long."""
        page = self.find_page("", "")
        if page is not None:
            page.idle()

    def offline(self) -> None:
        """The line goes: nothing arrives and nothing leaves, until `online`."""
        if self.page is not None:
            self.page.offline = True
            self.page.tell("online", online=False)

    def online(self) -> None:
        """The line is back, and what waited arrives."""
        if self.page is not None:
            self.page.offline = False
            self.page.tell("online", online=True)
            self.deliver_waiting()

    # People ------------------------------------------------------------------------------------------------

    @staticmethod
    def _lid_for(number: str) -> str:
        return str(10**14 + int(hashlib.sha256(number.encode()).hexdigest()[:12], 16) % 10**14)

    def person(self, who: str, name: str = "") -> Person:
        """By E.164 number, or by bare LID; made if new."""
        known = next((person for person in self.people if who in (person.number, person.lid)), None)
        if known is None:
            is_number = who.startswith("+")
            known = Person(self._lid_for(who) if is_number else who, who if is_number else "", told=is_number)
            self.people.append(known)
            if is_number:
                self.number_exists.add(who)
        known.name = name or known.name or "Customer"
        return known

    def lid_of(self, number: str) -> str:
        """The bare LID of a number."""
        return self.person(number).lid if number in self.number_exists else self._lid_for(number)

    def known_as(self, wid: str) -> Person | None:
        """Whom a chat id of the page means, if they are on WhatsApp."""
        user, _, server = wid.partition("@")
        if server == "lid":
            return next((person for person in self.people if person.lid == user), None)
        return self.person(f"+{user}") if f"+{user}" in self.number_exists else None

    def tell_pair(self, number: str, lid: str = "") -> None:
        """WhatsApp tells that this number and this LID are one person."""
        person = self.person(lid) if lid else self.person(number)
        person.number, person.told = number, True
        self.number_exists.add(number)
        self._tell("people", people=[person.plain(as_lid=self.migrated)])

    def lid_migrated(self) -> None:
        """From now on chats are named by LID."""
        self.migrated = True
        self._tell("migrated", people=[person.plain(as_lid=True) for person in self.people])

    def typing(self, sender: str = CUSTOMER, active: bool = True) -> None:
        """A customer types, or stops."""
        chat = self.person(sender).wid(as_lid=self.migrated)
        self._tell("typing", chat=chat, state="composing" if active else "paused")

    # Messages ----------------------------------------------------------------------------------------------

    def message_in(
        self,
        text: str = "",
        sender: str = CUSTOMER,
        *,
        push_name: str = "",
        ciphertext: bool = False,
        **more: Any,
    ) -> str:
        """A customer writes. sender: E.164, or bare LID. Returns the bare id.

        ciphertext: it comes without its content first. more: see `_compose`.
        """
        person = self.person(sender, push_name)
        message = self._compose(person, text, from_me=False, **more)
        message.name = person.name
        self._arrive(message, person, ciphertext=ciphertext)
        return message.wa_id

    def typed_on_phone(self, text: str = "", to: str = CUSTOMER, **more: Any) -> str:
        """The owner writes to a customer on the phone itself."""
        person = self.person(to)
        message = self._compose(person, text, from_me=True, **more)
        self._arrive(message, person, ciphertext=False)
        return message.wa_id

    def _compose(
        self,
        person: Person,
        text: str,
        *,
        from_me: bool,
        kind: str = "",
        media: bytes = b"",
        mime: str = "application/octet-stream",
        name: str = "",
        quoted: str = "",
        wa_id: str = "",
        at: float | None = None,
        as_lid: bool = False,
        unheard: bool = False,
        **fields: Any,
    ) -> Message:
        """kind: WhatsApp's word (chat, image, ptt, location, vcard, poll_creation …). name: of the file.

        unheard: the page stores it and tells nobody, as with what comes while it makes itself ready. fields: more
        attributes of the message.
        """
        guess = (
            mime.partition("/")[0] if mime.partition("/")[0] in ("image", "video", "audio") else "document"
        )
        message = Message(
            wa_id=wa_id or new_id(),
            chat=person.wid(as_lid=as_lid or self.migrated),
            from_me=from_me,
            kind=kind or (guess if media else "chat"),
            at=time.time() if at is None else at,
            quoted=quoted,
            heard=not unheard,
            fields=fields,
        )
        if media:
            message.media = self.store(Media(media, mime, name))
            message.caption = text
        else:
            message.body = text
        return message

    def written_elsewhere(self, chat: str, text: str = "") -> str:
        """A line in a chat that is no person's: a group (`…@g.us`), `status@broadcast`, a newsletter."""
        message = Message(wa_id=new_id(), chat=chat, from_me=False, body=text)
        self.messages.append(message)
        message.delivered = self.page is not None
        self._tell("messages", messages=[message.plain(new=True)])
        return message.wa_id

    def store(self, media: Media) -> Media:
        """Keep bytes so that the page can fetch them."""
        self.media[media.media] = media
        return media

    def _arrive(self, message: Message, person: Person, *, ciphertext: bool) -> None:
        self.messages.append(message)
        page = self.page
        if page is None or not page.synced or page.offline or page.closed:
            return
        message.delivered = True
        page.tell("people", people=[person.plain(as_lid=message.chat.endswith("@lid"))])
        if ciphertext:
            sealed = {**message.plain(new=True), "type": "ciphertext", "body": "", "media": None}
            page.tell("messages", messages=[sealed])
        page.tell("messages", messages=[message.plain(new=message.heard)])

    def deliver_waiting(self) -> None:
        """What came while no page was there, as new messages."""
        waiting = [message for message in self.messages if not message.delivered]
        for message in waiting:
            message.delivered = True
        if waiting and self.page is not None:
            people = [person.plain(as_lid=self.migrated) for person in self.people]
            self.page.tell("people", people=people)
            self.page.tell("messages", messages=[message.plain(new=True) for message in waiting])

    def history(self) -> dict[str, Any]:
        """What a page reads when it has logged in."""
        messages = [message.plain(new=False) for message in self.messages if message.delivered]
        people = [person.plain(as_lid=self.migrated) for person in self.people]
        return {"messages": messages, "people": people, "migrated": self.migrated}

    def find(self, wa_id: str) -> Message:
        """A message of the history by its bare id."""
        for message in self.messages:
            if message.wa_id == wa_id:
                return message
        raise StandinError(f"There is no message {wa_id}")

    def revoke(self, wa_id: str) -> None:
        """Its sender deletes it for everyone."""
        message = self.find(wa_id)
        message.kind, message.body = "revoked", ""
        self._tell("revoked", chat=message.chat, id=wa_id, fromMe=message.from_me)

    def edit(self, wa_id: str, text: str) -> None:
        """Its sender changes the text."""
        message = self.find(wa_id)
        message.body = text
        change = {"latestEditMsgKey": f"{wa_id}E", "latestEditSenderTimestampMs": int(time.time() * 1000)}
        message.fields |= change
        self._tell("edited", chat=message.chat, id=wa_id, fromMe=message.from_me, body=text, change=change)

    def react(self, wa_id: str, emoji: str) -> None:
        """The customer reacts to a message; "" takes it back."""
        message = self.find(wa_id)
        now = int(time.time())
        self._tell("reacted", chat=message.chat, id=wa_id, fromMe=message.from_me, text=emoji, t=now)

    # What the business sends -------------------------------------------------------------------------------

    def fail_next_send(self, error: str = "ERROR_UNKNOWN") -> None:
        """WhatsApp refuses the next message. error: a SendMsgResult."""
        self.failures.append(error)

    def hang_next_send(self, where: str = "wire") -> None:
        """The next message hangs: "prep" (a file is never ready), "wire" (never leaves), "ack" (leaves, no word)."""
        if where not in ("prep", "wire", "ack"):
            raise ValueError(where)
        self.hangs.append(where)

    def take_hang(self, *places: str) -> str:
        """The next hang, if it is one of these; it happens once."""
        return self.hangs.pop(0) if self.hangs and self.hangs[0] in places else ""

    def take(self, body: dict[str, Any]) -> dict[str, Any]:
        """A message leaves the page. Returns what WhatsApp answers at once."""
        if self.take_hang("wire"):
            return {"hang": True}
        if self.failures:
            return {"error": self.failures.pop(0)}
        person = self.known_as(body["chat"])
        if person is None:
            return {"error": "ERROR_UNKNOWN"}
        if self.limited and not any(
            known.chat == body["chat"] and not known.from_me for known in self.messages
        ):
            return {"error": "ERROR_UNKNOWN", "code": 463}
        self._record(body, person)
        if self.take_hang("ack"):
            return {"hang": True}
        for level in range(2, self.auto_receipt + 1):
            later = threading.Timer(self.receipt_delay * (level - 1), self.receipt, [body["id"], level])
            later.daemon = True
            later.start()
        return {"t": int(time.time())}

    def _record(self, body: dict[str, Any], person: Person) -> None:
        media = self.media.get(body["media"])
        if media is not None:
            media.mime, media.name = body["mime"], body["name"]
        sent = Sent(
            wa_id=body["id"],
            to=person.number or person.lid,
            kind=body["type"],
            body=body["body"],
            caption=body["caption"],
            quoted=body["quoted"],
            media=media.data if media else b"",
            mime=body["mime"],
            name=body["name"],
            at=time.time(),
        )
        self.sent.append(sent)
        if self.copies(sent.wa_id) == 1:
            ours = Message(sent.wa_id, body["chat"], True, sent.kind, sent.body, sent.caption, delivered=True)
            ours.media, ours.quoted = media, sent.quoted
            self.messages.append(ours)

    def receipt(self, wa_id: str, level: int) -> None:
        """The customer's phone got (2), read (3) or played (4) a message of ours."""
        message = self.find(wa_id)
        message.ack = max(message.ack, level)
        self._tell("receipt", chat=message.chat, ids=[wa_id], level=level, t=int(time.time()))

    def copies(self, wa_id: str) -> int:
        """How often this message arrived."""
        return sum(1 for sent in self.sent if sent.wa_id == wa_id)

    def sent_message(self, wa_id: str) -> Sent:
        """A message as it arrived at the customer."""
        for sent in self.sent:
            if sent.wa_id == wa_id:
                return sent
        raise StandinError(f"No message {wa_id} has arrived")
