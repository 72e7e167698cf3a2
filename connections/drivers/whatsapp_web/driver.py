"""The driver of a real number: WhatsApp Web in a browser of its own."""

from __future__ import annotations

import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import structlog

from connections.drivers.base import (
    Ack,
    AckLevel,
    Capabilities,
    Chat,
    Context,
    Driver,
    Event,
    History,
    MediaBlob,
    MediaRef,
    OutgoingMessage,
    Permanent,
    Phase,
    Sent,
    SessionLost,
    State,
    Transient,
    Vitals,
)
from connections.drivers.whatsapp_web import state_monitor, translate
from connections.drivers.whatsapp_web.commands import Post
from connections.drivers.whatsapp_web.errors import NoAnswer, Refused
from connections.drivers.whatsapp_web.event_queue import Feed, Raw
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.profile import Profile
from connections.drivers.whatsapp_web.resource_usage import Gauge
from connections.drivers.whatsapp_web.state_monitor import Watch

if TYPE_CHECKING:
    from connections.drivers.whatsapp_web.browser import Browser

log = structlog.get_logger(__name__)

BATCH = 500
PENDING = 500
IDLE_SECONDS = 5.0
UNSETTLED_SECONDS = 0.5
LISTENING_SECONDS = 3.0
"""A page that is ready tells of what comes from now on; what came while it made itself ready is looked for then."""
UNREACHABLE = frozenset({"phone_offline", "no_answer"})
"""What makes a session that is ready useless for now."""
PASSING = frozenset({"typing", "chat.presence_change"})
"""Events of the page that leave no message behind."""
FRESH = 1000
"""Ids that were made and not tried yet, at most so many are remembered."""


class WhatsAppWebDriver(Driver):
    """Settings of a number: `qr_seconds`, `ready_timeout`, `recycle_after` (seconds).

    The store gives the options of the installation and keeps copies of the login.
    """

    mode: ClassVar[str] = "whatsapp-web"
    capabilities: ClassVar[Capabilities] = Capabilities(pairing_code=True, typing=True)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options: Options = context.store.options.of_number(context.settings)
        self._profile = Profile(
            self.options.home, str(context.connection_id), context.store, self.options.archive_limit
        )
        self._gauge = Gauge(context.connection_id, self.options)
        self._feed = Feed(context.wake)
        self._post = Post(self._ask, self.options)
        self._watch = Watch(
            self._ask, self.options, context.pairing_phone, int(context.settings.get("qr_shown", 0))
        )
        self._watch.reload = self._reload
        self._watch.logout = lambda: self._feed.logout
        self._browser: Browser | None = None
        self._login, pending = _read_session(context.session)
        self._feed.put_first(pending)
        self._told: list[Raw] = []
        self._identified: set[tuple[str, str]] = set()
        self._busy_at = time.monotonic()
        self._missed: datetime | None = None
        self._fresh: OrderedDict[str, None] = OrderedDict()
        self._ready_at = 0.0
        self._pulled_at = datetime.now(UTC)

    # -- state -----------------------------------------------------------------------------------------

    def open(self) -> None:
        if reason := self._profile.prepare(self._login):
            self._watch.end(reason)
            return
        self._login = self._login or self._profile.note().login
        self._watch.linked = bool(self._login)
        self._start()

    def _start(self) -> None:
        # selenium is slow to import, and pages that only ask for capabilities need none of it
        from connections.drivers.whatsapp_web.browser import Browser

        self._browser = Browser(self.options, self._profile.path, self._feed.hear)
        self._watch.restart()
        self._may_have_missed(datetime.now(UTC))
        self._browser.open()

    def state(self) -> State:
        nudged = self._feed.nudged.is_set()
        self._feed.nudged.clear()
        before = self._watch.state
        state = self._watch.look(now=nudged and before.phase != Phase.READY)
        if state.phase == Phase.READY:
            if before.phase != Phase.READY:
                self._on_ready()
            if state.degraded != "no_answer":
                self._look_around()
        if state.phase == Phase.ENDED and before.phase != Phase.ENDED:
            self._on_end(state.reason)
        return self._watch.state

    def idle_for(self) -> float:
        phase = self._watch.state.phase
        if phase == Phase.ENDED:
            return 0.0
        pushes = self._browser is not None and self._browser.pushes
        return IDLE_SECONDS if phase == Phase.READY and pushes else UNSETTLED_SECONDS

    def _look_around(self) -> None:
        """What a ready session does besides, when it is time."""
        if self._browser is None:
            return
        self._gauge.look(self._browser)
        idle = time.monotonic() - max(self._busy_at, self._ready_at)
        if reason := self._gauge.due(self._browser, idle, update=self._watch.update_wanted):
            log.info("browser_recycled", connection_id=str(self.context.connection_id), reason=reason)
            self._recycle()

    def _on_ready(self) -> None:
        self._ready_at = time.monotonic()
        self._login = self._login or uuid4().hex
        self._profile.linked(self._login)

    def _on_end(self, reason: str) -> None:
        """A login that WhatsApp has ended is worth nothing; a page that does not come up is kept for a look at it."""
        if self._browser is not None and reason in ("not_ready", "page_changed", "outdated"):
            self._browser.screenshot(self._profile.directory / "last-failure.png")
        if reason in ("unlinked", "qr_expired"):
            self._stop_browser()
            self._profile.forget(reason if self._login else "")
            self._login = ""

    # -- what comes in ---------------------------------------------------------------------------------

    def drain(self) -> Sequence[Event]:
        if self._watch.state.phase not in (Phase.READY, Phase.ENDED):
            self.state()
        if self._feed.must_pull():
            self._pull()
        fresh = self._feed.take(BATCH - len(self._told))
        if fresh:
            self._busy_at = time.monotonic()
        for raw in fresh:
            if raw["type"] == "broken":
                self._on_unreadable(raw["data"])
        self._told += fresh
        return [event for raw in self._told for event in translate.read(raw, self._identified)]

    @classmethod
    def reread(cls, data: dict[str, Any]) -> Sequence[Event]:
        return translate.read(data, set())

    def _on_unreadable(self, data: dict[str, Any]) -> None:
        """The page could not say what happened, or not in time: it is looked for in the chats."""
        kind = str(data["broken"])
        log.error("page_event_unreadable", connection_id=str(self.context.connection_id), type=kind)
        if kind not in PASSING:
            self._may_have_missed(datetime.now(UTC))

    def confirm(self) -> None:
        for raw in self._told:
            translate.remember(raw["data"], self._identified)
        self._told = []

    def _pull(self) -> None:
        """Ask the page for what was not pushed, or lost on the way."""
        state = self._watch.state
        if self._browser is None or state.phase == Phase.ENDED or state.degraded == "no_answer":
            return
        try:
            epoch = str(self._ask("status", timeout=state_monitor.ANSWER_SECONDS)["epoch"])
            if self._feed.is_another(epoch):
                self._may_have_missed(self._pulled_at)
                self._ready_at = time.monotonic()
            while self._feed.pulled(self._ask("drain", after=self._feed.cursor(epoch))):
                pass
        except (NoAnswer, Refused):
            return
        if self._feed.take_lost():
            self._may_have_missed(self._pulled_at)
        self._pulled_at = datetime.now(UTC)

    def _may_have_missed(self, since: datetime) -> None:
        """Note that messages of this time are told by nobody."""
        self._missed = min(since, self._missed or since)

    def missed_since(self) -> datetime | None:
        listening = time.monotonic() - self._ready_at >= LISTENING_SECONDS
        if self._watch.state.phase != Phase.READY or not listening:
            return None
        since, self._missed = self._missed, None
        return since

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        self._require_ready()
        if "history" in self._watch.missing:
            raise Transient("page_changed", "WhatsApp Web has no way to read its chats any more.")
        return self._post.history(since, chats)

    def download(self, ref: MediaRef) -> MediaBlob:
        self._require_ready()
        return self._post.download(ref)

    # -- what goes out ---------------------------------------------------------------------------------

    def new_message_id(self, chat: Chat) -> str:
        wa_id = "3EB0" + secrets.token_hex(9).upper()
        self._fresh[wa_id] = None
        if len(self._fresh) > FRESH:
            self._fresh.popitem(last=False)
        return wa_id

    def send(self, message: OutgoingMessage) -> Sent:
        self._require_ready()
        self._busy_at = time.monotonic()
        try:
            fresh = message.wa_id in self._fresh
            self._fresh.pop(message.wa_id, None)
            sent = self._post.send(message, fresh=fresh)
        except (Transient, Permanent):
            self._require_link()
            raise
        if sent.ack == AckLevel.PENDING:
            self._require_link()
        return sent

    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        self._require_ready()
        return self._post.lookup(chat, wa_id)

    def mark_read(self, chat: Chat, wa_ids: Sequence[str]) -> None:
        self._require_ready()
        self._post.read(chat)

    def show_typing(self, chat: Chat, active: bool) -> None:
        self._require_ready()
        self._post.typing(chat, active)

    def picture(self, chat: Chat) -> MediaBlob | None:
        self._require_ready()
        return self._post.picture(chat)

    def number_exists(self, phone: str) -> bool:
        self._require_ready()
        return self._post.exists(phone)

    def _require_ready(self) -> None:
        """Raises SessionLost when the link is gone, Transient while WhatsApp cannot be reached."""
        state = self._watch.state
        if state.phase == Phase.ENDED:
            raise SessionLost(state.reason, "This device is not linked.")
        if state.phase != Phase.READY:
            raise Transient("not_ready")
        if state.degraded in UNREACHABLE:
            raise Transient(state.degraded)

    def _require_link(self) -> None:
        """What failed may have failed because the link is gone. Raises SessionLost then."""
        if self._watch.look(now=True).phase != Phase.READY:
            reason = self._watch.state.reason or "error"
            raise SessionLost(reason, "The session ended while a message was being sent.")

    # -- the login -------------------------------------------------------------------------------------

    def save_session(self) -> str:
        if not self._login or self._watch.state.phase == Phase.ENDED:
            return self._kept_login()
        first = self.options.keeps_profiles and not self._profile.note().generation
        if first and self._watch.state.phase == Phase.READY:
            self._recycle()  # only of a browser that has quit can a copy be made, and a login without one is soon lost
        self._pull()
        pending = [raw for raw in (*self._told, *self._feed.waiting()) if raw["type"] != "typing"]
        return self._session(pending[:PENDING])

    def _kept_login(self) -> str:
        """After an end that is not the login's (a page that changed, a ban) it may still be good."""
        return self._session([]) if self._login else ""

    def _session(self, pending: list[Raw]) -> str:
        at = int(time.time())
        return json.dumps({"v": 1, "login": self._login, "at": at, "pending": pending})

    def logout(self) -> None:
        if self._browser is not None and self._login:
            try:
                self._ask("logout", timeout=10.0)
                self._await_logout()
            except (NoAnswer, Refused, SessionLost):
                log.warning("logout_unconfirmed", connection_id=str(self.context.connection_id))
        self._watch.end("user")
        self._stop_browser()
        self._profile.forget("unlinked")
        self._login = ""

    def _await_logout(self) -> None:
        """WhatsApp has to be told before the browser goes; the page then loads itself again."""
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            try:
                if not self._ask("status", timeout=5.0)["authenticated"]:
                    return
            except (NoAnswer, Refused):
                pass
            time.sleep(0.1)

    def close(self) -> None:
        if self._browser is None:
            return
        try:
            self._stop_browser()
            if self._login and self._profile.note().login == self._login:
                self._archive()
        except Exception:
            log.exception("session_not_closed", connection_id=str(self.context.connection_id))

    def _stop_browser(self) -> None:
        browser, self._browser = self._browser, None
        if browser is not None:
            browser.quit()

    def _archive(self) -> None:
        """Copy the login; the browser has quit. A copy that cannot be made is told, and the number goes on."""
        try:
            self._profile.archive(self._login)
        except Exception:
            log.exception("session_not_archived", connection_id=str(self.context.connection_id))
            self._profile.failed(self._login)

    # -- a browser that has grown old ------------------------------------------------------------------

    def vitals(self) -> Vitals | None:
        return self._gauge.vitals(self._browser, self._profile.note()) if self._browser else None

    def _recycle(self) -> None:
        """Close the browser, keep a copy of the login and open it again. Bounded; raises SessionLost."""
        self._pull()
        self._stop_browser()
        self._archive()
        self._start()
        deadline = time.monotonic() + self.options.ready_timeout
        while (state := self._watch.look()).phase != Phase.READY:
            if state.phase == Phase.ENDED or time.monotonic() > deadline:
                raise SessionLost(state.reason or "not_ready", "The browser did not come back.")
            self._feed.nudged.wait(0.1)
            self._feed.nudged.clear()
        self._ready_at = time.monotonic()

    def _reload(self) -> None:
        if self._browser is not None:
            self._browser.reload()

    def _ask(self, name: str, timeout: float | None = None, **args: Any) -> Any:
        if self._browser is None:
            raise SessionLost("browser_died", "There is no browser.")
        return self._browser.call(name, timeout, **args)


def _read_session(session: str) -> tuple[str, list[Raw]]:
    """Which login it is, and what was told and never confirmed."""
    if not session:
        return "", []
    data = json.loads(session)
    return str(data["login"]), list(data.get("pending", []))
