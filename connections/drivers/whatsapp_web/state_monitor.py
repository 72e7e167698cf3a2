"""State of a session, computed from polled snapshots of the page rather than from its single events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from connections.drivers.base import Phase, State
from connections.drivers.whatsapp_web import capabilities
from connections.drivers.whatsapp_web.errors import CallTimeout, NoAnswer, PageError
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.translate import digits

log = structlog.get_logger(__name__)

CODES = 5
LATER_CODE_SECONDS = 20.0
"""Life of the second and later QR codes; the first lives longer."""
SNAPSHOT_SECONDS = {Phase.READY: 2.0}
"""Time for which a snapshot is reused; in other phases 0.2 seconds."""
PAIRING_WAIT_SECONDS = 20.0
SETTLED_SECONDS = 15.0
ANSWER_SECONDS = 10.0
"""Timeout of the status call."""
HUNG_SECONDS = 60.0
"""Time after which a ready page that does not answer ends the session."""
_ENDS = {"CONFLICT": "replaced", "TOS_BLOCK": "banned", "SMB_TOS_BLOCK": "banned", "PROXYBLOCK": "error"}
_BANS = frozenset({"account_locked", "banned"})


@dataclass
class _Code:
    """The displayed QR code. ends: monotonic time of its expiry. shown: number of codes shown so far."""

    text: str = ""
    ends: float = 0.0
    shown: int = 0


class StateMonitor:
    """State machine of one session.

    call: Browser.call. linked: the session started with a login, so a QR code means that the login is gone.
    """

    def __init__(
        self, call: Callable[..., Any], options: Options, pairing_phone: str, shown_before: int
    ) -> None:
        self._call = call
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
        """Capabilities that the page lacks."""
        self.update_wanted = False
        """A newer version of the page is available."""
        self.reload: Callable[[], None] = lambda: None
        self.logout: Callable[[], str] = lambda: ""
        """Returns the reason for a logout that the page pushed before it reloaded, or ""."""

    def restart(self) -> None:
        """Reset after the browser was restarted."""
        self._asked_at, self._waiting_since, self._checked = 0.0, time.monotonic(), False
        self._reloaded = self.update_wanted = False
        if self._state.phase != Phase.ENDED:
            self._state = State(Phase.LOADING)

    def end(self, reason: str) -> State:
        """Set the final state."""
        self._state = State(Phase.ENDED, reason=reason)
        return self._state

    @property
    def state(self) -> State:
        """The last computed state."""
        return self._state

    def poll(self, *, now: bool = False) -> State:
        """Return the state, querying the page if the snapshot is too old or `now`. Raises SessionLost."""
        clock = time.monotonic()
        fresh = SNAPSHOT_SECONDS.get(self._state.phase, 0.2)
        if self._state.phase == Phase.ENDED or (not now and clock - self._asked_at < fresh):
            return self._state
        self._asked_at = clock
        try:
            self._state = self._evaluate(self._call("status", timeout=ANSWER_SECONDS))
        except CallTimeout:
            self._state = self._handle_timeout(clock)
        except (NoAnswer, PageError):
            self._state = self._unless_timed_out(State(Phase.LOADING))
        return self._state

    # -- evaluation -----------------------------------------------------------------------------------

    def _evaluate(self, page: dict[str, Any]) -> State:
        if not page["ready"]:
            return self._unless_timed_out(State(Phase.LOADING))
        self._check_capabilities_once(page)
        if capabilities.is_fatal(self.missing, linked=self.linked):
            return self.end("page_changed")
        mode = page["mode"]
        if mode in _ENDS:
            return self.end(_ENDS[mode])
        if mode == "DEPRECATED_VERSION":
            return self._reload_outdated()
        if page["left"] and self.linked:
            return self._logged_out(page["logout"])
        if page["authenticated"] is None:
            return self._unless_timed_out(State(Phase.LOADING))
        if not page["authenticated"]:
            return self._unlinked_state(page)
        return self._linked_state(page, mode)

    def _logged_out(self, reason: str) -> State:
        """End the session because WhatsApp ended the login."""
        return self.end("banned" if (reason or self.logout()) in _BANS else "unlinked")

    def _linked_state(self, page: dict[str, Any], mode: str) -> State:
        self.update_wanted = bool(page["update"])
        number = f"+{page['me']}" if page["me"] else ""
        own = {"own_number": number, "own_name": page["name"]}
        was_ready = self._state.phase == Phase.READY
        if was_ready and (mode == "OFFLINE" or not page["online"]):
            return State(Phase.READY, degraded="phone_offline", **own)
        if mode == "MAIN" and page["full"] and number:
            self.linked, self._waiting_since = True, time.monotonic()
            return State(Phase.READY, degraded="page_changed" if self.missing else "", **own)
        return self._unless_timed_out(State(Phase.SYNCING, **own))

    def _handle_timeout(self, asked_at: float) -> State:
        """Handle a page that does not answer. A ready session is degraded at first and ended after HUNG_SECONDS."""
        if self._state.phase != Phase.READY:
            return self._unless_timed_out(State(Phase.LOADING))
        if self._state.degraded != "no_answer":
            self._hung_since = asked_at
        if time.monotonic() - self._hung_since > HUNG_SECONDS:
            return self.end("no_answer")
        return replace(self._state, degraded="no_answer")

    def _unless_timed_out(self, state: State) -> State:
        """Return `state`, or end the session once `ready_timeout` has passed."""
        if self._state.phase in (Phase.READY, Phase.QR):
            self._waiting_since = time.monotonic()
        if time.monotonic() - self._waiting_since <= self._options.ready_timeout:
            return state
        try:
            self._detect_missing()
        except (NoAnswer, PageError):
            return self.end("not_ready")
        return self.end("page_changed" if self.missing else "not_ready")

    def _reload_outdated(self) -> State:
        """Reload an outdated page once; end the session if it is still outdated."""
        if self._reloaded:
            return self.end("outdated")
        self._reloaded = True
        self.reload()
        return State(Phase.LOADING)

    def _check_capabilities_once(self, page: dict[str, Any]) -> None:
        """Check the capabilities once the page has loaded."""
        settled = page["full"] or time.monotonic() - self._waiting_since > SETTLED_SECONDS
        if settled and not self._checked:
            self._checked = True
            self._detect_missing()

    def _detect_missing(self) -> None:
        self.missing = capabilities.lost_capabilities(
            self._call("missing", paths=capabilities.required_paths())
        )
        if self.missing:
            log.error("whatsapp_web_changed", missing=self.missing)

    # -- codes -----------------------------------------------------------------------------------------

    def _unlinked_state(self, page: dict[str, Any]) -> State:
        code = self._call("qr", refresh=False, timeout=10.0)
        if self.linked:
            return self._logged_out("") if code else self._unless_timed_out(State(Phase.SYNCING))
        if self._pairing_phone:
            return self._pairing_state(page)
        if not code and not page["idle"]:
            return self._unless_timed_out(State(Phase.LOADING))
        now = time.monotonic()
        if code and code != self._code.text:
            return self._show_code(code, now)
        if now < self._code.ends and not page["idle"]:
            return State(Phase.QR, qr=self._code.text, qr_expires_in=self._code.ends - now)
        if self._code.shown >= CODES:
            return self.end("qr_expired")
        fresh = self._call("qr", refresh=True, timeout=10.0)
        if fresh and fresh != self._code.text:
            return self._show_code(fresh, now)
        self._code.ends = now + 1.0
        return State(Phase.QR, qr=self._code.text, qr_expires_in=1.0)

    def _show_code(self, code: str, now: float) -> State:
        if self._code.shown >= CODES:
            return self.end("qr_expired")
        first = not self._code.text
        life = self._options.qr_seconds if first else min(self._options.qr_seconds, LATER_CODE_SECONDS)
        self._code = _Code(code, now + life, self._code.shown + 1)
        return State(Phase.QR, qr=code, qr_expires_in=life)

    def _pairing_state(self, page: dict[str, Any]) -> State:
        """Return the pairing code, requesting one if needed. An expired one counts like a QR code."""
        if page["link"]:
            self._pairing_asked = False
            left = float(page["linkLeft"])
            return State(Phase.QR, qr_expires_in=left, pairing_code=page["link"].replace("-", ""))
        now = time.monotonic()
        if self._pairing_asked and not page["linkError"] and now - self._pairing_since < PAIRING_WAIT_SECONDS:
            return self._unless_timed_out(State(Phase.LOADING))
        if self._code.shown >= CODES:
            return self.end("qr_expired")
        self._pairing_asked, self._pairing_since = True, now
        self._code.shown += 1
        try:
            self._call("link", phone=digits(self._pairing_phone))
        except (NoAnswer, PageError) as error:
            log.warning("pairing_code_refused", code=getattr(error, "code", "no_answer"))
        return self._unless_timed_out(State(Phase.LOADING))
