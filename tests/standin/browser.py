"""A Chromium that opens a stand-in with wa-js in it and nothing of WhatsFlow, for tests of the two by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.standin.server import Standin

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "static" / "vendor" / "wa-js" / "wppconnect-wa.js"
CONFIG = "window.WPPConfig = {disableGoogleAnalytics: true, linkPreviewApiServers: []};"
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_RUN = """
const done = arguments[arguments.length - 1];
const work = async (...args) => {%s};
work(...Array.from(arguments).slice(0, -1)).then(
  (value) => done({value: value === undefined ? null : value}),
  (error) => done({error: String((error && error.message) || error)}),
);
"""
T = TypeVar("T")


class Browser:
    """programs: paths of Chromium and chromedriver. extra: JavaScript that runs after the bundle on every page.

    source: runs on every page instead of the bundle.
    """

    def __init__(
        self,
        standin: Standin,
        programs: tuple[str, str],
        profile: Path,
        *,
        extra: str = "",
        source: str = "",
        agent: str = AGENT,
    ) -> None:
        options = ChromeOptions()
        options.binary_location = programs[0]
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--user-agent={agent}", *standin.browser_args):
            options.add_argument(flag)
        options.add_argument("--disable-blink-features=AutomationControlled")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.standin = standin
        self.web = Chrome(options=options, service=Service(programs[1]))
        self.web.set_script_timeout(20)
        source = source or "\n".join((CONFIG, BUNDLE.read_text(encoding="utf-8"), extra))
        self.web.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})

    def open(self, without: str = "") -> None:
        """Load the page, perhaps without some modules."""
        self.web.get(self.standin.url + (f"?without={without}" if without else ""))

    def run(self, script: str, *args: Any) -> Any:
        """The value of an async function body; AssertionError with its message if it throws."""
        answer = self.web.execute_async_script(_RUN % script, *args)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def ready(self, seconds: float = 20) -> bool:
        """Whether wa-js becomes ready."""
        return eventually(lambda: self.run("return WPP.isReady"), seconds)

    def connected(self, seconds: float = 20) -> bool:
        """Whether the page is logged in and has its chats, and wa-js knows."""
        script = (
            "return WPP.isFullReady && WPP.conn.isAuthenticated() && WPP.conn.getStreamData().mode === 'MAIN'"
        )
        return eventually(lambda: self.run(script), seconds)

    def quit(self) -> None:
        """Close it cleanly."""
        self.web.quit()


def eventually(value: Callable[[], T], seconds: float = 20) -> T:
    """The value once it is true, or what it was at the end."""
    deadline = time.monotonic() + seconds
    while not (found := value()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
