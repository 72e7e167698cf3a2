"""Start Chromium: flags, user agent, and binding to the life of the worker."""

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
"""A port that Chromium refuses to contact, so that its update and account requests stay on the machine."""
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
    # the address bar's pages, which nobody sees, take a renderer of 150 MB and half of the CPU of a start
    "--disable-features=OptimizationHints,MediaRouter,Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
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
_VERSION = re.compile(r"(\d+)\.\d+\.\d+\.\d+")


def start(options: Options, profile: Path) -> WebDriver:
    """Start a browser on an unused profile. Raises selenium's WebDriverException or OSError."""
    chrome_options = _chrome_options(options, profile)
    if options.remote_url:
        return Remote(command_executor=options.remote_url, options=chrome_options)
    directory = profile.parent
    chrome_options.binary_location = str(
        processes.wrapper(directory, "chromium.sh", options.found_chromium(), "TERM")
    )
    service = Service(
        str(processes.wrapper(directory, "chromedriver.sh", options.found_chromedriver(), "KILL")),
        env=processes.environment(profile),
        popen_kw={"start_new_session": True},
    )
    return Chrome(options=chrome_options, service=service)


def _chrome_options(options: Options, profile: Path) -> ChromeOptions:
    chrome_options = ChromeOptions()
    remote = f"{options.remote_profiles}/{profile.parent.name}/profile"
    data_directory = remote if options.remote_profiles else profile
    sandbox_flags = (
        ("--no-sandbox",) if os.geteuid() == 0 else ()
    )  # Chromium refuses to run as root otherwise
    for flag in (*FLAGS, *sandbox_flags, f"--user-data-dir={data_directory}", *options.flags):
        chrome_options.add_argument(flag)
    if not options.remote_url:
        chrome_options.add_argument(f"--user-agent={user_agent(options.found_chromium())}")
    chrome_options.add_experimental_option("excludeSwitches", ["enable-automation"])
    # With any other strategy chromedriver waits up to a minute before each command for a page that is loading or hangs,
    # and then stops the loading.
    chrome_options.page_load_strategy = "none"
    chrome_options.accept_insecure_certs = False
    chrome_options.enable_bidi = options.bidi
    return chrome_options


@lru_cache(maxsize=8)
def user_agent(chromium: str) -> str:
    """Return the user agent of this Chromium with a window: WhatsApp refuses HeadlessChrome."""
    answer = subprocess.run([chromium, "--version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    version = _VERSION.search(answer.stdout)
    if version is None:
        raise OSError(f"{chromium} does not tell its version")
    return _AGENT.format(major=version.group(1))


def cdp(web: WebDriver, command: str, **params: Any) -> None:
    """Send a command of the Chrome DevTools Protocol to a local or remote browser."""
    web.execute("executeCdpCommand", {"cmd": command, "params": params})


def remote_agent(browser: WebDriver) -> str:
    """Return the user agent of a remote browser, whose version is known once it runs."""
    return _AGENT.format(major=str(browser.capabilities.get("browserVersion", "")).partition(".")[0])
