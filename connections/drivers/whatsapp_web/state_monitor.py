"""How the session is doing: computed from what the page says of itself, never from one of its events alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from connections.drivers.base import Phase, State
from connections.drivers.whatsapp_web import capabilities
from connections.drivers.whatsapp_web.errors import Hung, NoAnswer, Refused
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.translate import digits

log = structlog.get_logger(__name__)

CODES = 5
LATER_CODE_SECONDS = 20.0
"""WhatsApp changes the second and later codes so often; the first lives longer."""
FRESH_SECONDS = {Phase.READY: 2.0}
"""The page's word is good for so long; in other phases for a moment only."""
PAIRING_WAIT_SECONDS = 20.0
SETTLED_SECONDS = 15.0
ANSWER_SECONDS = 10.0
"""How long a page may take to say how it is."""
HUNG_SECONDS = 60.0
"""A page that was ready and does not answer for so long is given up."""
_ENDS = {"CONFLICT": "replaced", "TOS_BLOCK": "banned", "SMB_TOS_BLOCK": "banned", "PROXYBLOCK": "error"}
_BANS = frozenset({"account_locked", "banned"})


@dataclass
class _Code:
    """The QR code on show."""

    text: str = ""
    ends: float = 0.0
    shown: int = 0


class Watch:
    """ask: Browser.call. linked: whether there was a login to begin with; then a QR code means that it is gone."""

    def __init__(
        self, ask: Callable[..., Any], options: Options, pairing_phone: str, shown_before: int
    ) -> None:
        self._ask = ask
        self._options = options
        self._pairing_phone = pairing_phone
        self._code = _Code(shown=shown_before)
        self._state = State(Phase.LOADING)
        self._asked_at = 0.0
        self._pairing_since = 0.0
        self._pairing_asked = False
        self._reloaded = False
        self._checked = False
        self._waiting_since = self._hung_since = time.monotonic()
        self.linked = False
        self.missing: list[str] = []
        """Capabilities that the page no longer has."""
        self.update_wanted = False
        """WhatsApp has a newer page."""
        self.reload: Callable[[], None] = lambda: None
        self.logout: Callable[[], str] = lambda: ""
        """Why the page says that the login is over, when it could still say so."""

    def restart(self) -> None:
        """The browser was opened anew."""
        self._asked_at, self._waiting_since, self._checked = 0.0, time.monotonic(), False
        self._reloaded = self.update_wanted = False
        if self._state.phase != Phase.ENDED:
            self._state = State(Phase.LOADING)

    def end(self, reason: str) -> State:
        """It is over."""
        self._state = State(Phase.ENDED, reason=reason)
        return self._state

    @property
    def state(self) -> State:
        """What was found last."""
        return self._state

    def look(self, *, now: bool = False) -> State:
        """How it is; asks the page when its last word is too old, or at once. Raises SessionLost."""
        clock = time.monotonic()
        fresh = FRESH_SECONDS.get(self._state.phase, 0.2)
        if self._state.phase == Phase.ENDED or (not now and clock - self._asked_at < fresh):
            return self._state
        self._asked_at = clock
        try:
            self._state = self._judge(self._ask("status", timeout=ANSWER_SECONDS))
        except Hung:
            self._state = self._silence(clock)
        except (NoAnswer, Refused):
            self._state = self._patience(State(Phase.LOADING))
        return self._state

    # -- what it means ---------------------------------------------------------------------------------

    def _judge(self, page: dict[str, Any]) -> State:
        if not page["ready"]:
            return self._patience(State(Phase.LOADING))
        self._check_parts(page)
        if capabilities.is_fatal(self.missing, linked=self.linked):
            return self.end("page_changed")
        mode = page["mode"]
        if mode in _ENDS:
            return self.end(_ENDS[mode])
        if mode == "DEPRECATED_VERSION":
            return self._outdated()
        if page["left"] and self.linked:
            return self._left(page["logout"])
        if page["authenticated"] is None:
            return self._patience(State(Phase.LOADING))
        if not page["authenticated"]:
            return self._unlinked(page)
        return self._linked(page, mode)

    def _left(self, why: str) -> State:
        """The login is over on WhatsApp's side."""
        return self.end("banned" if (why or self.logout()) in _BANS else "unlinked")

    def _linked(self, page: dict[str, Any], mode: str) -> State:
        self.update_wanted = bool(page["update"])
        number = f"+{page['me']}" if page["me"] else ""
        own = {"own_number": number, "own_name": page["name"]}
        was_ready = self._state.phase == Phase.READY
        if was_ready and (mode == "OFFLINE" or not page["online"]):
            return State(Phase.READY, degraded="phone_offline", **own)
        if mode == "MAIN" and page["full"] and number:
            self.linked, self._waiting_since = True, time.monotonic()
            return State(Phase.READY, degraded="page_changed" if self.missing else "", **own)
        return self._patience(State(Phase.SYNCING, **own))

    def _silence(self, asked_at: float) -> State:
        """The page does not answer. One that was ready stays so for a while, and says that something is wrong."""
        if self._state.phase != Phase.READY:
            return self._patience(State(Phase.LOADING))
        if self._state.degraded != "no_answer":
            self._hung_since = asked_at
        if time.monotonic() - self._hung_since > HUNG_SECONDS:
            return self.end("no_answer")
        return replace(self._state, degraded="no_answer")

    def _patience(self, state: State) -> State:
        """Loading and syncing may take long, but not for ever."""
        if self._state.phase in (Phase.READY, Phase.QR):
            self._waiting_since = time.monotonic()
        if time.monotonic() - self._waiting_since <= self._options.ready_timeout:
            return state
        try:
            self._look_for_parts()
        except (NoAnswer, Refused):
            return self.end("not_ready")
        return self.end("page_changed" if self.missing else "not_ready")

    def _outdated(self) -> State:
        """WhatsApp wants its page to be loaded again; if that does not help, the next start may."""
        if self._reloaded:
            return self.end("outdated")
        self._reloaded = True
        self.reload()
        return State(Phase.LOADING)

    def _check_parts(self, page: dict[str, Any]) -> None:
        """Once, when everything should be there."""
        settled = page["full"] or time.monotonic() - self._waiting_since > SETTLED_SECONDS
        if settled and not self._checked:
            self._checked = True
            self._look_for_parts()

    def _look_for_parts(self) -> None:
        self.missing = capabilities.capabilities(self._ask("missing", paths=capabilities.paths()))
        if self.missing:
            log.error("whatsapp_web_changed", missing=self.missing)

    # -- codes -----------------------------------------------------------------------------------------

    def _unlinked(self, page: dict[str, Any]) -> State:
        code = self._ask("qr", refresh=False, timeout=10.0)
        if self.linked:
            return self._left("") if code else self._patience(State(Phase.SYNCING))
        if self._pairing_phone:
            return self._pairing(page)
        if not code and not page["idle"]:
            return self._patience(State(Phase.LOADING))
        now = time.monotonic()
        if code and code != self._code.text:
            return self._show(code, now)
        if now < self._code.ends and not page["idle"]:
            return State(Phase.QR, qr=self._code.text, qr_expires_in=self._code.ends - now)
        if self._code.shown >= CODES:
            return self.end("qr_expired")
        fresh = self._ask("qr", refresh=True, timeout=10.0)
        if fresh and fresh != self._code.text:
            return self._show(fresh, now)
        self._code.ends = now + 1.0
        return State(Phase.QR, qr=self._code.text, qr_expires_in=1.0)

    def _show(self, code: str, now: float) -> State:
        if self._code.shown >= CODES:
            return self.end("qr_expired")
        first = not self._code.text
        life = self._options.qr_seconds if first else min(self._options.qr_seconds, LATER_CODE_SECONDS)
        self._code = _Code(code, now + life, self._code.shown + 1)
        return State(Phase.QR, qr=code, qr_expires_in=life)

    def _pairing(self, page: dict[str, Any]) -> State:
        """A code that is typed on the phone. It counts like a QR code when it has run out."""
        if page["link"]:
            self._pairing_asked = False
            left = float(page["linkLeft"])
            return State(Phase.QR, qr_expires_in=left, pairing_code=page["link"].replace("-", ""))
        now = time.monotonic()
        if self._pairing_asked and not page["linkError"] and now - self._pairing_since < PAIRING_WAIT_SECONDS:
            return self._patience(State(Phase.LOADING))
        if self._code.shown >= CODES:
            return self.end("qr_expired")
        self._pairing_asked, self._pairing_since = True, now
        self._code.shown += 1
        try:
            self._ask("link", phone=digits(self._pairing_phone))
        except (NoAnswer, Refused) as error:
            log.warning("pairing_code_refused", code=getattr(error, "code", "no_answer"))
        return self._patience(State(Phase.LOADING))
