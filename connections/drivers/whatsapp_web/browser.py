"""One Chromium with WhatsApp Web in it: opened, asked, and closed so that the login is kept."""

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
from connections.drivers.whatsapp_web.errors import Hung, NoAnswer, Refused
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
_GONE = (InvalidSessionIdException, NoSuchWindowException)

for _name, _level in (
    ("selenium", logging.WARNING),
    ("urllib3", logging.WARNING),
    ("websocket", logging.CRITICAL),
):
    # at DEBUG these would write every message, QR code and key that passes through the browser
    logging.getLogger(_name).setLevel(_level)


class Browser:
    """hear: called with each text that the page pushes, from other threads and in any order."""

    def __init__(self, options: Options, profile: Path, hear: Callable[[str], None]) -> None:
        self.options = options
        self.profile = profile
        self.started_at = time.monotonic()
        self.version = ""
        self._hear = hear
        self._web: WebDriver | None = None
        self.pushes = False
        """Whether the page can push; if not, it has to be asked often."""

    def open(self) -> None:
        """Start it and load WhatsApp Web. Raises SessionLost("no_browser", "browser_died" or "not_ready")."""
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
        """Go there. A page that is slow may still come: whether it does is watched."""
        try:
            web.get(PAGE)
        except TimeoutException:
            return
        except WebDriverException as error:
            self.kill()
            raise SessionLost("not_ready", UNREACHABLE) from error

    def _prepare(self) -> None:
        """Nobody else may use the profile: the lease is ours, so what still runs is of a worker that is gone."""
        self.profile.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.options.remote_url:
            processes.end(self.profile)
            processes.unlock(self.profile)

    def _inject(self, web: WebDriver) -> None:
        """Have the source run at the start of every page, outside the reach of its content security policy."""
        if self.options.remote_url:
            launch.cdp(web, "Network.setUserAgentOverride", userAgent=launch.remote_agent(web))
        body = source(self.options.bundle, PAGE)
        try:
            if not self.options.bidi:
                raise WebDriverException("BiDi is switched off")
            _listen(web, self._hear)
            channel = {"type": "channel", "value": {"channel": CHANNEL, "ownership": "none"}}
            web.script.add_preload_script(f"(channel) => {{{body}}}", arguments=[channel])
            self.pushes = True
        except (WebDriverException, AttributeError, TypeError):
            code = f"(() => {{const channel = undefined;{body}}})()"
            launch.cdp(web, "Page.addScriptToEvaluateOnNewDocument", source=code)

    # -- while it runs ---------------------------------------------------------------------------------

    def call(self, name: str, timeout: float | None = None, **args: Any) -> Any:
        """Have bridge.js do something. Raises Refused, NoAnswer (Hung), or SessionLost when the browser is gone."""
        web = self._web
        if web is None:
            raise SessionLost("browser_died", "There is no browser.")
        try:
            web.set_script_timeout(timeout or self.options.call_timeout)
            answer = web.execute_async_script(_CALL, name, args)
        except _GONE as error:
            raise SessionLost("browser_died", "The browser has gone.") from error
        except TimeoutException as error:
            raise Hung(name) from error
        except JavascriptException as error:
            raise NoAnswer(name) from error
        except WebDriverException as error:
            if _crashed(error):
                raise SessionLost("browser_died", "The page has crashed.") from error
            raise NoAnswer(name) from error
        except Exception as error:  # urllib3's errors have no common ancestor that is ours to name
            raise SessionLost(
                "browser_died", f"The browser does not answer ({type(error).__name__})."
            ) from error
        if answer is None:
            raise NoAnswer(name)
        if answer == "unreachable":
            raise SessionLost("not_ready", UNREACHABLE)
        told = json.loads(answer)
        if not told["ok"]:
            raise Refused(str(told["code"]))
        return told["value"]

    def reload(self) -> None:
        """Load the page again, as WhatsApp asks for after an update."""
        if self._web is not None:
            try:
                self._web.refresh()
            except WebDriverException:
                return

    def screenshot(self, path: Path) -> bool:
        """Save what the page looks like, readable for the service's own user only."""
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
        """Bytes; 0 for a browser elsewhere."""
        return 0 if self.options.remote_url else processes.memory(self.profile)

    def cpu_seconds(self) -> float:
        """Processor time used so far; 0 for a browser elsewhere."""
        return 0.0 if self.options.remote_url else processes.cpu_seconds(self.profile)

    # -- the end ---------------------------------------------------------------------------------------

    def quit(self) -> None:
        """Close it so that the profile is written completely, then make sure that nothing is left. Never raises."""
        web, self._web = self._web, None
        if web is not None and self.options.remote_url:
            _quietly(lambda: web.execute(Command.QUIT))
        elif web is not None:
            # Not every close is answered: what counts is that the browser goes.
            _begin(lambda: launch.cdp(web, "Browser.close"))
            _wait(lambda: not _browsers(self.profile), GRACE_SECONDS)
            # Asking chromedriver to quit now would make it look for the browser for ten seconds.
            _quietly(lambda: _release(web))
        self.kill()

    def kill(self) -> None:
        """End whatever is left of it. Never raises."""
        self._web = None
        if not self.options.remote_url:
            processes.end(self.profile, patience=GRACE_SECONDS)
            _quietly(lambda: processes.unlock(self.profile))
            _quietly(lambda: processes.clean(self.profile))


@lru_cache(maxsize=4)
def source(bundle: Path, page: str) -> str:
    """What runs at the start of every page: wa-js as it is and our bridge, in WhatsApp's top frame only."""
    config = json.dumps({"disableGoogleAnalytics": True, "linkPreviewApiServers": []})
    bridge = (Path(__file__).parent / "bridge.js").read_text(encoding="utf-8")
    return (
        f"if (window.top !== window || location.origin !== {json.dumps(page.rstrip('/'))}) return;\n"
        f"window.WPPConfig = {config};\n{bundle.read_text(encoding='utf-8')}\n{bridge}\n"
    )


def _listen(web: WebDriver, hear: Callable[[str], None]) -> None:
    """Take what the page pushes into the channel."""

    def told(event: Any) -> None:
        params = event if isinstance(event, dict) else vars(event)
        data = params.get("data")
        value = data.get("value") if isinstance(data, dict) else getattr(data, "value", None)
        if params.get("channel") == CHANNEL and isinstance(value, str):
            hear(value)

    web.script.add_event_handler("message", told)


def _crashed(error: WebDriverException) -> bool:
    words = str(error.msg or "").lower()
    return any(
        part in words
        for part in ("crash", "disconnected", "not connected to devtools", "no such window", "closed")
    )


def _browsers(profile: Path) -> list[int]:
    flag = f"--user-data-dir={profile}".encode()
    return [pid for pid in processes.of_profile(profile) if flag in processes.read(pid, "cmdline")]


def _release(web: Any) -> None:
    """Let go of chromedriver; the socket for pushes ends with it. Closing that here could take its ten seconds."""
    web.service.process.kill()
    web.service.process.wait(GRACE_SECONDS)


def _wait(reached: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not reached():
        time.sleep(0.03)


def _quietly(work: Callable[[], Any]) -> None:
    """Do it for a limited time: a browser that hangs must not hold the worker."""
    _begin(work).join(GRACE_SECONDS + 5)


def _begin(work: Callable[[], Any]) -> threading.Thread:
    """Do it in a thread of its own, whatever comes of it."""

    def run() -> None:
        try:
            work()
        except Exception:
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
