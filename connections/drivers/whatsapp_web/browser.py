"""Chromium with WhatsApp Web: start it, call the page, and close it so that the login is kept."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from selenium.common.exceptions import (
    InvalidSessionIdException,
    JavascriptException,
    NoSuchWindowException,
    TimeoutException,
    WebDriverException,
)
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.webdriver import WebDriver

from connections.drivers.base import SessionLost
from connections.drivers.whatsapp_web import launch, processes
from connections.drivers.whatsapp_web.errors import CallTimeout, NoAnswer, PageError
from connections.drivers.whatsapp_web.options import PAGE, Options

CHANNEL = "whatsflow"
GRACE_SECONDS = 5.0
_CALL = """
const done = arguments[arguments.length - 1];
const bridge = window.__whatsflow;
if (bridge) bridge.call(arguments[0], arguments[1]).then(done);
else done(location.protocol === "chrome-error:" ? "unreachable" : null);
"""
UNREACHABLE = "WhatsApp Web cannot be reached."
_BROWSER_GONE = (InvalidSessionIdException, NoSuchWindowException)

for _name, _level in (
    ("selenium", logging.WARNING),
    ("urllib3", logging.WARNING),
    ("websocket", logging.CRITICAL),
):
    # DEBUG output of these would contain every message, QR code and key that passes through the browser
    logging.getLogger(_name).setLevel(_level)


class Browser:
    """One browser. on_push: called with each text that the page pushes, from other threads and in any order."""

    def __init__(self, options: Options, profile: Path, on_push: Callable[[str], None]) -> None:
        self.options = options
        self.profile = profile
        self.started_at = time.monotonic()
        self.version = ""
        self._on_push = on_push
        self._web: WebDriver | None = None
        self.pushes = False
        """False if the page cannot push events, so that it must be polled often."""

    def open(self) -> None:
        """Start the browser and load the page. Raises SessionLost("no_browser", "browser_died" or "not_ready")."""
        if missing := self.options.missing():
            raise SessionLost("no_browser", missing)
        try:
            self._prepare()
            self._web = launch.start(self.options, self.profile)
            self.version = str(self._web.capabilities.get("browserVersion", ""))
            self._web.set_page_load_timeout(self.options.load_timeout)
            self._inject(self._web)
        except (WebDriverException, OSError, RuntimeError) as error:
            self.kill()
            raise SessionLost(
                "browser_died", f"The browser did not start ({type(error).__name__})."
            ) from error

        self._load(self._web)

    def _load(self, web: WebDriver) -> None:
        """Load WhatsApp Web. A timeout is ignored: the state monitor notices a page that never loads."""
        try:
            web.get(PAGE)
        except TimeoutException:
            return
        except WebDriverException as error:
            self.kill()
            raise SessionLost("not_ready", UNREACHABLE) from error

    def _prepare(self) -> None:
        """End leftover processes: this worker holds the lease, so they belong to a dead worker."""
        self.profile.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.options.remote_url:
            processes.terminate(self.profile)
            processes.unlock(self.profile)

    def _inject(self, web: WebDriver) -> None:
        """Run the source at the start of every page, where its content security policy does not apply."""
        if self.options.remote_url:
            launch.cdp(web, "Network.setUserAgentOverride", userAgent=launch.remote_agent(web))
        body = source(self.options.bundle, PAGE)
        try:
            if not self.options.bidi:
                raise WebDriverException("BiDi is switched off")
            _listen(web, self._on_push)
            channel = {"type": "channel", "value": {"channel": CHANNEL, "ownership": "none"}}
            web.script.add_preload_script(f"(channel) => {{{body}}}", arguments=[channel])
            self.pushes = True
        except (WebDriverException, AttributeError, TypeError):
            code = f"(() => {{const channel = undefined;{body}}})()"
            launch.cdp(web, "Page.addScriptToEvaluateOnNewDocument", source=code)

    # -- calls to the page ---------------------------------------------------------------------------------

    def call(self, name: str, timeout: float | None = None, **args: Any) -> Any:
        """Call a function of bridge.js. timeout: seconds.

        Raises PageError, NoAnswer (or its subclass CallTimeout), or SessionLost if the browser is gone.
        """
        web = self._web
        if web is None:
            raise SessionLost("browser_died", "There is no browser.")
        try:
            web.set_script_timeout(timeout or self.options.call_timeout)
            answer = web.execute_async_script(_CALL, name, args)
        except _BROWSER_GONE as error:
            raise SessionLost("browser_died", "The browser has gone.") from error
        except TimeoutException as error:
            raise CallTimeout(name) from error
        except JavascriptException as error:
            raise NoAnswer(name) from error
        except WebDriverException as error:
            if _crashed(error):
                raise SessionLost("browser_died", "The page has crashed.") from error
            raise NoAnswer(name) from error
        except Exception as error:  # urllib3's errors share no public base class
            raise SessionLost(
                "browser_died", f"The browser does not answer ({type(error).__name__})."
            ) from error
        if answer is None:
            raise NoAnswer(name)
        if answer == "unreachable":
            raise SessionLost("not_ready", UNREACHABLE)
        result = json.loads(answer)
        if not result["ok"]:
            raise PageError(str(result["code"]))
        return result["value"]

    def reload(self) -> None:
        """Reload the page. Errors are ignored."""
        if self._web is not None:
            try:
                self._web.refresh()
            except WebDriverException:
                return

    def screenshot(self, path: Path) -> bool:
        """Save a screenshot, readable only by the service's user. Returns False if that fails."""
        if self._web is None:
            return False
        try:
            picture = self._web.get_screenshot_as_png()
        except Exception:
            return False
        path.touch(mode=0o600)
        path.write_bytes(picture)
        return True

    def memory(self) -> int:
        """Return the browser's memory in bytes; 0 for a remote browser."""
        return 0 if self.options.remote_url else processes.memory(self.profile)

    def cpu_seconds(self) -> float:
        """Return the processor time used so far; 0 for a remote browser."""
        return 0.0 if self.options.remote_url else processes.cpu_seconds(self.profile)

    # -- closing ---------------------------------------------------------------------------------------

    def quit(self) -> None:
        """Close the browser so that it writes its profile, then end remaining processes. Never raises."""
        web, self._web = self._web, None
        if web is not None and self.options.remote_url:
            _run_bounded(lambda: web.execute(Command.QUIT))
        elif web is not None:
            # Browser.close is not always answered, so wait for the process instead.
            _run_in_thread(lambda: launch.cdp(web, "Browser.close"))
            _wait_until(lambda: not _browser_pids(self.profile), GRACE_SECONDS)
            # A regular quit would make chromedriver look for the browser for ten seconds.
            _run_bounded(lambda: _kill_chromedriver(web))
        self.kill()

    def kill(self) -> None:
        """End all processes of the browser. Never raises."""
        self._web = None
        if not self.options.remote_url:
            processes.terminate(self.profile, patience=GRACE_SECONDS)
            _run_bounded(lambda: processes.unlock(self.profile))
            _run_bounded(lambda: processes.remove_scratch(self.profile))


@lru_cache(maxsize=4)
def source(bundle: Path, page: str) -> str:
    """Return the script injected into each page: wa-js and bridge.js, run only in WhatsApp's top frame."""
    config = json.dumps({"disableGoogleAnalytics": True, "linkPreviewApiServers": []})
    bridge = (Path(__file__).parent / "bridge.js").read_text(encoding="utf-8")
    return (
        f"if (window.top !== window || location.origin !== {json.dumps(page.rstrip('/'))}) return;\n"
        f"window.WPPConfig = {config};\n{bundle.read_text(encoding='utf-8')}\n{bridge}\n"
    )


def _listen(web: WebDriver, on_push: Callable[[str], None]) -> None:
    """Call `on_push` with each text that the page sends into the channel."""

    def receive(event: Any) -> None:
        params = event if isinstance(event, dict) else vars(event)
        data = params.get("data")
        value = data.get("value") if isinstance(data, dict) else getattr(data, "value", None)
        if params.get("channel") == CHANNEL and isinstance(value, str):
            on_push(value)

    web.script.add_event_handler("message", receive)


def _crashed(error: WebDriverException) -> bool:
    message = str(error.msg or "").lower()
    return any(
        part in message
        for part in ("crash", "disconnected", "not connected to devtools", "no such window", "closed")
    )


def _browser_pids(profile: Path) -> list[int]:
    flag = f"--user-data-dir={profile}".encode()
    return [pid for pid in processes.pids_of(profile) if flag in processes.read(pid, "cmdline")]


def _kill_chromedriver(web: Any) -> None:
    """Kill chromedriver, which also closes the BiDi socket. Closing that first could take ten seconds."""
    web.service.process.kill()
    web.service.process.wait(GRACE_SECONDS)


def _wait_until(reached: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not reached():
        time.sleep(0.03)


def _run_bounded(work: Callable[[], Any]) -> None:
    """Run in a thread for a limited time, so that a hanging browser does not block the worker."""
    _run_in_thread(work).join(GRACE_SECONDS + 5)


def _run_in_thread(work: Callable[[], Any]) -> threading.Thread:
    """Run in a thread of its own, ignoring errors."""

    def run() -> None:
        try:
            work()
        except Exception:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
