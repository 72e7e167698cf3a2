"""Driver of a real number: WhatsApp Web in a browser of its own."""

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
    ResourceUsage,
    Sent,
    SessionLost,
    State,
    Transient,
)
from connections.drivers.whatsapp_web import state_monitor, translate
from connections.drivers.whatsapp_web.commands import PageCommands
from connections.drivers.whatsapp_web.errors import NoAnswer, PageError
from connections.drivers.whatsapp_web.event_queue import EventQueue, Raw
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.profile import Profile
from connections.drivers.whatsapp_web.resource_usage import ResourceMonitor
from connections.drivers.whatsapp_web.state_monitor import StateMonitor

if TYPE_CHECKING:
    from connections.drivers.whatsapp_web.browser import Browser

log = structlog.get_logger(__name__)

BATCH = 500
PENDING = 500
IDLE_SECONDS = 5.0
UNSETTLED_SECONDS = 0.5
LISTENING_SECONDS = 3.0
"""Wait after READY before the history is read: the page pushes only events from then on."""
UNREACHABLE = frozenset({"phone_offline", "no_answer"})
"""Reasons of degradation that make a ready session unusable."""
WITHOUT_MESSAGE = frozenset({"typing", "chat.presence_change"})
"""Page events whose loss loses no message."""
MAX_UNUSED_IDS = 1000
"""Generated ids to remember whose sending has not been tried."""


class WhatsAppWebDriver(Driver):
    """WhatsApp Web driver. Settings of a number: `qr_seconds`, `ready_timeout`, `recycle_after` (seconds).

    The store provides the installation's options and archives the login.
    """

    mode: ClassVar[str] = "whatsapp-web"
    capabilities: ClassVar[Capabilities] = Capabilities(pairing_code=True, typing=True)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.options: Options = context.store.options.of_number(context.settings)
        self._profile = Profile(
            self.options.home, str(context.connection_id), context.store, self.options.archive_limit
        )
        self._resources = ResourceMonitor(context.connection_id, self.options)
        self._events = EventQueue(context.wake)
        self._commands = PageCommands(self._call, self.options)
        self._monitor = StateMonitor(
            self._call, self.options, context.pairing_phone, int(context.settings.get("qr_shown", 0))
        )
        self._monitor.reload = self._reload
        self._monitor.logout = lambda: self._events.logout
        self._browser: Browser | None = None
        self._login, pending = _read_session(context.session)
        self._events.prepend(pending)
        self._unconfirmed: list[Raw] = []
        self._identified: set[tuple[str, str]] = set()
        self._busy_at = time.monotonic()
        self._gap_since: datetime | None = None
        self._unused_ids: OrderedDict[str, None] = OrderedDict()
        self._ready_at = 0.0
        self._pulled_at = datetime.now(UTC)

    # -- state -----------------------------------------------------------------------------------------

    def open(self) -> None:
        if reason := self._profile.prepare(self._login):
            self._monitor.end(reason)
            return
        self._login = self._login or self._profile.metadata().login
        self._monitor.linked = bool(self._login)
        self._start()

    def _start(self) -> None:
        # selenium is slow to import, and pages that only need `capabilities` do not use it
        from connections.drivers.whatsapp_web.browser import Browser

        self._browser = Browser(self.options, self._profile.path, self._events.push)
        self._monitor.restart()
        self._note_gap(datetime.now(UTC))
        self._browser.open()

    def state(self) -> State:
        changed = self._events.state_changed.is_set()
        self._events.state_changed.clear()
        before = self._monitor.state
        state = self._monitor.poll(now=changed and before.phase != Phase.READY)
        if state.phase == Phase.READY:
            if before.phase != Phase.READY:
                self._on_ready()
            if state.degraded != "no_answer":
                self._maintain()
        if state.phase == Phase.ENDED and before.phase != Phase.ENDED:
            self._on_end(state.reason)
        return self._monitor.state

    def idle_for(self) -> float:
        phase = self._monitor.state.phase
        if phase == Phase.ENDED:
            return 0.0
        pushes = self._browser is not None and self._browser.pushes
        return IDLE_SECONDS if phase == Phase.READY and pushes else UNSETTLED_SECONDS

    def _maintain(self) -> None:
        """Measure the browser, and restart it if that is due."""
        if self._browser is None:
            return
        self._resources.measure(self._browser)
        idle = time.monotonic() - max(self._busy_at, self._ready_at)
        if reason := self._resources.restart_reason(self._browser, idle, update=self._monitor.update_wanted):
            log.info("browser_recycled", connection_id=str(self.context.connection_id), reason=reason)
            self._restart_browser()

    def _on_ready(self) -> None:
        self._ready_at = time.monotonic()
        self._login = self._login or uuid4().hex
        self._profile.mark_linked(self._login)

    def _on_end(self, reason: str) -> None:
        """Erase a login that WhatsApp has ended; save a screenshot of a page that failed to load."""
        if self._browser is not None and reason in ("not_ready", "page_changed", "outdated"):
            self._browser.screenshot(self._profile.directory / "last-failure.png")
        if reason in ("unlinked", "qr_expired"):
            self._stop_browser()
            self._profile.erase(reason if self._login else "")
            self._login = ""

    # -- receiving ------------------------------------------------------------------------------------

    def drain(self) -> Sequence[Event]:
        if self._monitor.state.phase not in (Phase.READY, Phase.ENDED):
            self.state()
        if self._events.should_pull():
            self._pull()
        fresh = self._events.take(BATCH - len(self._unconfirmed))
        if fresh:
            self._busy_at = time.monotonic()
        for raw in fresh:
            if raw["type"] == "broken":
                self._on_broken(raw["data"])
        self._unconfirmed += fresh
        return [
            event for raw in self._unconfirmed for event in translate.translate_event(raw, self._identified)
        ]

    @classmethod
    def retranslate(cls, data: dict[str, Any]) -> Sequence[Event]:
        return translate.translate_event(data, set())

    def _on_broken(self, data: dict[str, Any]) -> None:
        """Handle an event that the page could not read: the history is read instead."""
        kind = str(data["broken"])
        log.error("page_event_unreadable", connection_id=str(self.context.connection_id), type=kind)
        if kind not in WITHOUT_MESSAGE:
            self._note_gap(datetime.now(UTC))

    def confirm(self) -> None:
        for raw in self._unconfirmed:
            translate.remember_identity(raw["data"], self._identified)
        self._unconfirmed = []

    def _pull(self) -> None:
        """Fetch events that were not pushed, or were lost on the way."""
        state = self._monitor.state
        if self._browser is None or state.phase == Phase.ENDED or state.degraded == "no_answer":
            return
        try:
            epoch = str(self._call("status", timeout=state_monitor.ANSWER_SECONDS)["epoch"])
            if self._events.is_new_epoch(epoch):
                self._note_gap(self._pulled_at)
                self._ready_at = time.monotonic()
            while self._events.add_pulled(self._call("drain", after=self._events.cursor(epoch))):
                pass
        except (NoAnswer, PageError):
            return
        if self._events.take_lost():
            self._note_gap(self._pulled_at)
        self._pulled_at = datetime.now(UTC)

    def _note_gap(self, since: datetime) -> None:
        """Record that messages since then may be missing."""
        self._gap_since = min(since, self._gap_since or since)

    def missed_since(self) -> datetime | None:
        listening = time.monotonic() - self._ready_at >= LISTENING_SECONDS
        if self._monitor.state.phase != Phase.READY or not listening:
            return None
        since, self._gap_since = self._gap_since, None
        return since

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        self._require_ready()
        if "history" in self._monitor.missing:
            raise Transient("page_changed", "WhatsApp Web has no way to read its chats any more.")
        return self._commands.history(since, chats)

    def download(self, ref: MediaRef) -> MediaBlob:
        self._require_ready()
        return self._commands.download(ref)

    # -- sending --------------------------------------------------------------------------------------

    def new_message_id(self, chat: Chat) -> str:
        wa_id = "3EB0" + secrets.token_hex(9).upper()
        self._unused_ids[wa_id] = None
        if len(self._unused_ids) > MAX_UNUSED_IDS:
            self._unused_ids.popitem(last=False)
        return wa_id

    def send(self, message: OutgoingMessage) -> Sent:
        self._require_ready()
        self._busy_at = time.monotonic()
        try:
            fresh = message.wa_id in self._unused_ids
            self._unused_ids.pop(message.wa_id, None)
            sent = self._commands.send(message, fresh=fresh)
        except (Transient, Permanent):
            self._require_link()
            raise
        if sent.ack == AckLevel.PENDING:
            self._require_link()
        return sent

    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        self._require_ready()
        return self._commands.lookup(chat, wa_id)

    def mark_read(self, chat: Chat, wa_ids: Sequence[str]) -> None:
        self._require_ready()
        self._commands.read(chat)

    def show_typing(self, chat: Chat, active: bool) -> None:
        self._require_ready()
        self._commands.typing(chat, active)

    def profile_picture(self, chat: Chat) -> MediaBlob | None:
        self._require_ready()
        return self._commands.profile_picture(chat)

    def number_exists(self, phone: str) -> bool:
        self._require_ready()
        return self._commands.exists(phone)

    def _require_ready(self) -> None:
        """Raise SessionLost if the device is not linked, Transient while WhatsApp is unreachable."""
        state = self._monitor.state
        if state.phase == Phase.ENDED:
            raise SessionLost(state.reason, "This device is not linked.")
        if state.phase != Phase.READY:
            raise Transient("not_ready")
        if state.degraded in UNREACHABLE:
            raise Transient(state.degraded)

    def _require_link(self) -> None:
        """Raise SessionLost if a send failed because the device is no longer linked."""
        if self._monitor.poll(now=True).phase != Phase.READY:
            reason = self._monitor.state.reason or "error"
            raise SessionLost(reason, "The session ended while a message was being sent.")

    # -- the login -------------------------------------------------------------------------------------

    def save_session(self) -> str:
        if not self._login or self._monitor.state.phase == Phase.ENDED:
            return self._session_after_end()
        first = self.options.keeps_profiles and not self._profile.metadata().generation
        if first and self._monitor.state.phase == Phase.READY:
            self._restart_browser()  # a profile can only be archived when the browser has quit
        self._pull()
        pending = [raw for raw in (*self._unconfirmed, *self._events.pending()) if raw["type"] != "typing"]
        return self._session(pending[:PENDING])

    def _session_after_end(self) -> str:
        """Keep the login after an end that did not invalidate it (a changed page, a ban)."""
        return self._session([]) if self._login else ""

    def _session(self, pending: list[Raw]) -> str:
        at = int(time.time())
        return json.dumps({"v": 1, "login": self._login, "at": at, "pending": pending})

    def logout(self) -> None:
        if self._browser is not None and self._login:
            try:
                self._call("logout", timeout=10.0)
                self._await_logout()
            except (NoAnswer, PageError, SessionLost):
                log.warning("logout_unconfirmed", connection_id=str(self.context.connection_id))
        self._monitor.end("user")
        self._stop_browser()
        self._profile.erase("unlinked")
        self._login = ""

    def _await_logout(self) -> None:
        """Wait until WhatsApp has processed the logout, before the browser is closed."""
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            try:
                if not self._call("status", timeout=5.0)["authenticated"]:
                    return
            except (NoAnswer, PageError):
                pass
            time.sleep(0.1)

    def close(self) -> None:
        if self._browser is None:
            return
        try:
            self._stop_browser()
            if self._login and self._profile.metadata().login == self._login:
                self._archive()
        except Exception:
            log.exception("session_not_closed", connection_id=str(self.context.connection_id))

    def _stop_browser(self) -> None:
        browser, self._browser = self._browser, None
        if browser is not None:
            browser.quit()

    def _archive(self) -> None:
        """Archive the login; the browser must have quit. A failure is logged and recorded, not raised."""
        try:
            self._profile.archive(self._login)
        except Exception:
            log.exception("session_not_archived", connection_id=str(self.context.connection_id))
            self._profile.mark_archive_failed(self._login)

    # -- restarting the browser ------------------------------------------------------------------------

    def resource_usage(self) -> ResourceUsage | None:
        return self._resources.usage(self._browser, self._profile.metadata()) if self._browser else None

    def _restart_browser(self) -> None:
        """Close the browser, archive the login and start the browser again. Bounded. Raises SessionLost."""
        self._pull()
        self._stop_browser()
        self._archive()
        self._start()
        deadline = time.monotonic() + self.options.ready_timeout
        while (state := self._monitor.poll()).phase != Phase.READY:
            if state.phase == Phase.ENDED or time.monotonic() > deadline:
                raise SessionLost(state.reason or "not_ready", "The browser did not come back.")
            self._events.state_changed.wait(0.1)
            self._events.state_changed.clear()
        self._ready_at = time.monotonic()

    def _reload(self) -> None:
        if self._browser is not None:
            self._browser.reload()

    def _call(self, name: str, timeout: float | None = None, **args: Any) -> Any:
        if self._browser is None:
            raise SessionLost("browser_died", "There is no browser.")
        return self._browser.call(name, timeout, **args)


def _read_session(session: str) -> tuple[str, list[Raw]]:
    """Parse the saved session into the login id and the unconfirmed events."""
    if not session:
        return "", []
    data = json.loads(session)
    return str(data["login"]), list(data.get("pending", []))
