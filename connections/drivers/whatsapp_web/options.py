"""Browser settings of an installation and a number, as plain values so that the driver needs no Django."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PAGE = "https://web.whatsapp.com/"
NEEDS = (
    "Linking a real number needs Chromium and its driver on this machine. "
    "On Debian or Ubuntu: apt install chromium chromium-driver"
)
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DRIVER = ("chromedriver",)


@dataclass(frozen=True)
class Options:
    """Browser settings, in seconds and bytes.

    home: parent of the numbers' directories. bundle: path of the wa-js bundle. remote_url: Selenium server to use
    instead of a local browser. remote_profiles: path of `home` on the remote node. flags: additional command line flags
    of Chromium. recycle_after: age from which an idle browser is restarted. history_chats, history_messages: maximum
    chats, and messages of each, to read after a gap. archive_limit: larger logins are not archived. file_limit: larger
    files are not downloaded.
    """

    home: Path
    bundle: Path
    chromium: str = ""
    chromedriver: str = ""
    remote_url: str = ""
    remote_profiles: str = ""
    flags: tuple[str, ...] = ()
    bidi: bool = True
    call_timeout: float = 30.0
    media_timeout: float = 180.0
    load_timeout: float = 60.0
    ready_timeout: float = 180.0
    qr_seconds: float = 60.0
    recycle_after: float = 24 * 3600.0
    history_chats: int = 200
    history_messages: int = 200
    archive_limit: int = 512 * 1024**2
    memory_limit: int = 2 * 1024**3
    file_limit: int = 100 * 1024**2

    def of_number(self, settings: dict[str, Any]) -> Options:
        """Return a copy with a number's own settings, which may override times only."""
        return replace(
            self,
            qr_seconds=float(settings.get("qr_seconds", self.qr_seconds)),
            ready_timeout=float(settings.get("ready_timeout", self.ready_timeout)),
            recycle_after=float(settings.get("recycle_after", self.recycle_after)),
        )

    @property
    def keeps_profiles(self) -> bool:
        """True if the profile can be read, and so archived, after its browser has quit."""
        return not self.remote_url or bool(self.remote_profiles)

    def found_chromium(self) -> str:
        """Return the path of Chromium, or ""."""
        return _found(self.chromium, _CHROMIUM)

    def found_chromedriver(self) -> str:
        """Return the path of chromedriver, or ""."""
        return _found(self.chromedriver, _DRIVER)

    def missing(self) -> str:
        """Return which requirement this machine lacks, with instructions, or ""."""
        if importlib.util.find_spec("selenium") is None:
            return "Linking a real number needs the Python package selenium: install requirements.txt again."
        if not self.bundle.is_file():
            return f"The WhatsApp Web bundle is missing: {self.bundle} (make vendor fetches it)."
        if not self.remote_url and not (self.found_chromium() and self.found_chromedriver()):
            return NEEDS
        return ""


def _found(chosen: str, names: tuple[str, ...]) -> str:
    candidates = (chosen,) if chosen else names
    return next((path for name in candidates if (path := shutil.which(name))), "")
