"""A person in a browser of their own: goes to pages, presses what they can read, waits for what they should see."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.journeys.site import ROOT

SHOTS = ROOT / "var" / "screenshots"
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
PASSWORD = "a long pass phrase of mine"
WAIT_SECONDS = 20.0
DESKTOP = (1440, 900)
PHONE = (390, 844)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    "--force-prefers-reduced-motion",
    "--lang=en-GB",
)
AT_REST = """
return document.readyState === "complete" && document.fonts.status === "loaded" &&
  document.getAnimations().every((one) =>
    one.playState !== "running" || one.effect.getTiming().iterations === Infinity);
"""
THEMED = """
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
return document.documentElement.dataset.bsTheme === (dark ? "dark" : "light");
"""
TWO_FRAMES = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));"
T = TypeVar("T")


class Person:
    """One person with one browser."""

    def __init__(self, url: str, programs: tuple[str, str], profile: Path) -> None:
        self.url = url
        browser, driver = programs
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={DESKTOP[0]},{DESKTOP[1]}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_page_load_timeout(60)
        self.dress(DESKTOP, "light")

    def close(self) -> None:
        """Close the browser."""
        self.driver.quit()

    # -- doing -----------------------------------------------------------------------------------------

    def go(self, path: str) -> None:
        """Open a page of the site, or a whole address."""
        self.driver.get(path if path.startswith("http") else self.url + path)

    @property
    def path(self) -> str:
        """Where the browser is."""
        return self.driver.current_url.removeprefix(self.url)

    def press(self, words: str) -> None:
        """Press the button or follow the link that says, or is labelled, `words`."""
        literal = _literal(words)
        here = f"[contains(normalize-space(.), {literal}) or @aria-label={literal}]"
        self._act(
            By.XPATH,
            f"//main//*[self::button or self::a or self::summary]{here}",
            lambda element: element.click(),
        )

    def click(self, css: str) -> None:
        """Press what the selector names."""
        self._act(By.CSS_SELECTOR, css, lambda element: element.click())

    def fill(self, name: str, text: str) -> None:
        """Write into the field of this name."""

        def write(element: WebElement) -> None:
            element.clear()
            element.send_keys(text)

        self._act(By.CSS_SELECTOR, f"main [name={name}]", write)

    def type(self, css: str, *keys: str) -> None:
        """Type into what the selector names, after what is there."""
        self._act(By.CSS_SELECTOR, css, lambda element: element.send_keys(*keys))

    def attach(self, css: str, file: Path) -> None:
        """Choose a file in a file field, which need not be visible."""
        self.wait(lambda: self.driver.find_elements(By.CSS_SELECTOR, css), css)[0].send_keys(str(file))

    def choose(self, css: str, value: str) -> None:
        """Choose an option of a select."""
        self.click(f"{css} option[value='{value}']")

    # -- seeing ----------------------------------------------------------------------------------------

    def sees(self, words: str, seconds: float = WAIT_SECONDS, within: str = "body") -> None:
        """Wait until `words` can be read."""
        self.wait(lambda: words in self.text(within), f"“{words}” in {within}", seconds)

    def sees_no(self, words: str, seconds: float = WAIT_SECONDS, within: str = "body") -> None:
        """Wait until `words` cannot be read any more."""
        self.wait(lambda: words not in self.text(within), f"no “{words}” in {within}", seconds)

    def finds(self, css: str, seconds: float = WAIT_SECONDS) -> WebElement:
        """Wait for a visible element."""
        return self.wait(lambda: self._visible(By.CSS_SELECTOR, css), css, seconds)

    def sees_picture(self, css: str) -> None:
        """Wait until a picture is there, loaded and drawn."""
        script = "return [...document.querySelectorAll(arguments[0])].some((one) => one.naturalWidth > 0)"
        self.wait(lambda: self.run(script, css), f"the picture {css}")

    def text(self, within: str = "body") -> str:
        """What can be read there now."""
        try:
            return " ".join(
                " ".join(one.text for one in self.driver.find_elements(By.CSS_SELECTOR, within)).split()
            )
        except StaleElementReferenceException:
            return ""

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], T], what: str, seconds: float = WAIT_SECONDS) -> T:
        """Wait until `condition` is true and return what it gave; fail with the page's text otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                result = condition()
            except WebDriverException:
                result = None  # type: ignore[assignment]
            if result:
                return result
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"Not within {seconds} s: {what}\nAt {self.path}, which says:\n{self.text()[:3000]}"
                )
            time.sleep(0.05)

    @contextmanager
    def without_reload(self) -> Iterator[None]:
        """The page stays the same document within this block."""
        self.run("window.journeyMark = 1")
        yield
        assert self.run("return window.journeyMark") == 1, f"The page was loaded anew at {self.path}"

    # -- the look --------------------------------------------------------------------------------------

    def dress(self, size: tuple[int, int], theme: str) -> None:
        """Give the browser a size and the system a colour scheme."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})

    def settled(self) -> None:
        """Wait until the theme is on, fonts and pictures are loaded and nothing moves that will ever stop."""
        self.wait(lambda: self.run(THEMED), "the theme of the system")
        self.driver.execute_async_script(TWO_FRAMES)
        self.wait(lambda: self.run(AT_REST), "a page at rest")

    def is_wider_than_the_window(self) -> bool:
        """Whether the whole page scrolls sideways."""
        return bool(self.run("return document.documentElement.scrollWidth > window.innerWidth + 1"))

    def shoot(self, name: str) -> None:
        """Keep a picture of what is in the window."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SHOTS / f"{name}.png"))

    def complaints_of_axe(self, *rules: str) -> list[str]:
        """What axe-core finds wrong with the page for people who use assistive technology; by all rules or these."""
        if not self.driver.execute_script("return 'axe' in window"):
            self.driver.execute_script(AXE.read_text())
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": rules}
        found = self.driver.execute_async_script(
            "const [options, done] = arguments;"
            "axe.run(document, options).then((r) => done(JSON.stringify(r.violations)));",
            options,
        )
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]} ({node['failureSummary'][:300]})"
            for violation in json.loads(found)
            for node in violation["nodes"]
        ]

    def complaints_of_browser(self) -> list[str]:
        """Errors and policy violations in the browser's console since the last call, but for refused forms (422)."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and "status of 422" not in entry["message"]
        ]

    # -- usual ways ------------------------------------------------------------------------------------

    def registers(self, email: str, name: str = "Olive Owner") -> None:
        """Create an account, which leads to the first business."""
        self.go("/accounts/register/")
        self.fill("full_name", name)
        self.fill("email", email)
        self.fill("password", PASSWORD)
        self.press("Create account")
        self.wait(lambda: "register" not in self.path, "a new account")

    def founds(self, business: str) -> None:
        """Make a business."""
        self.fill("business_name", business)
        self.press("Create business")
        self.wait(lambda: self.path == "/", "the overview")

    def _act(self, by: str, selector: str, action: Callable[[WebElement], object]) -> None:
        """Do something to a visible element of a loaded page, again if the page replaced it meanwhile."""

        def tried() -> bool:
            element = self._visible(by, selector)
            if element is None or self.run("return document.readyState") != "complete":
                return False
            action(element)
            return True

        self.wait(tried, selector)

    def _visible(self, by: str, selector: str) -> WebElement | None:
        return next((one for one in self.driver.find_elements(by, selector) if one.is_displayed()), None)


ENTER = Keys.ENTER


def _literal(words: str) -> str:
    return f'"{words}"' if "'" in words else f"'{words}'"
