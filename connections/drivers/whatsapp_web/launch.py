"""Starting Chromium: which flags, under which name, tied to whose life."""

from __future__ import annotations

import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, Remote
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from connections.drivers.whatsapp_web import processes
from connections.drivers.whatsapp_web.options import Options

_NOWHERE = "https://localhost:1/"
"""Chromium itself refuses that port: what it would tell its maker does not leave the machine."""
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    f"--component-updater=url-source={_NOWHERE}",
    f"--gaia-url={_NOWHERE}",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disk-cache-size=52428800",
    "--mute-audio",
    "--password-store=basic",
    "--window-size=1200,800",
    "--lang=en-US",
)
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
_WORD = re.compile(r"(\d+)\.\d+\.\d+\.\d+")


def start(options: Options, profile: Path) -> WebDriver:
    """A browser on this profile, which nobody else uses. Raises selenium's WebDriverException or OSError."""
    chosen = _chosen(options, profile)
    if options.remote_url:
        return Remote(command_executor=options.remote_url, options=chosen)
    directory = profile.parent
    chosen.binary_location = str(
        processes.wrapper(directory, "chromium.sh", options.found_chromium(), "TERM")
    )
    service = Service(
        str(processes.wrapper(directory, "chromedriver.sh", options.found_chromedriver(), "KILL")),
        env=processes.environment(profile),
        popen_kw={"start_new_session": True},
    )
    return Chrome(options=chosen, service=service)


def _chosen(options: Options, profile: Path) -> ChromeOptions:
    chosen = ChromeOptions()
    place = f"{options.remote_profiles}/{profile.parent.name}/profile" if options.remote_profiles else profile
    unboxed = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses to run as root otherwise
    for flag in (*FLAGS, *unboxed, f"--user-data-dir={place}", *options.flags):
        chosen.add_argument(flag)
    if not options.remote_url:
        chosen.add_argument(f"--user-agent={user_agent(options.found_chromium())}")
    chosen.add_experimental_option("excludeSwitches", ["enable-automation"])
    # With any other strategy chromedriver waits before each command for pages that are on their way, or hang: up to a
    # minute, and then stops what they are loading.
    chosen.page_load_strategy = "none"
    chosen.accept_insecure_certs = False
    chosen.enable_bidi = options.bidi
    return chosen


@lru_cache(maxsize=8)
def user_agent(chromium: str) -> str:
    """What this Chromium calls itself with a window: headless it would say HeadlessChrome, and be refused."""
    answer = subprocess.run([chromium, "--version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    found = _WORD.search(answer.stdout)
    if found is None:
        raise OSError(f"{chromium} does not tell its version")
    return _AGENT.format(major=found.group(1))


def cdp(web: WebDriver, command: str, **params: Any) -> None:
    """A command of Chrome's DevTools, to a browser here or elsewhere."""
    web.execute("executeCdpCommand", {"cmd": command, "params": params})


def remote_agent(browser: WebDriver) -> str:
    """The same for a browser elsewhere, whose version is known once it runs."""
    return _AGENT.format(major=str(browser.capabilities.get("browserVersion", "")).partition(".")[0])
