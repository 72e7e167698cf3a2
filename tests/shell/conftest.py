"""A browser whose sockets, and whose answers when it must wait for them, are played by the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import BusinessProfile, User
from tests.journeys.person import DESKTOP, Person

PLAYED = """
window.sockets = [];
window.heard = [];
window.WebSocket = class extends EventTarget {
  static OPEN = 1;
  constructor(url) {
    super();
    this.url = String(url);
    this.readyState = 0;
    window.sockets.push(this);
    const first = sessionStorage.getItem("saidAtOnce");
    if (first) queueMicrotask(() => { this.open(); this.say(JSON.parse(first)); });
  }
  open() { this.readyState = 1; this.dispatchEvent(new Event("open")); }
  say(...frames) { this.dispatchEvent(new MessageEvent("message", {data: JSON.stringify({frames})})); }
  drop(code) { this.readyState = 3; this.dispatchEvent(new CloseEvent("close", {code})); }
  close() { this.drop(1000); }
};
for (const name of ["connected", "reconnected", "message", "status"]) {
  document.addEventListener("live:" + name, (event) => window.heard.push([name, event.detail ?? null]));
}
window.asked = [];
window.held = [];
window.holding = false;
const fetched = window.fetch.bind(window);
window.fetch = async (...request) => {
  window.asked.push(new URL(request[0], location.href).pathname);
  const answer = await fetched(...request);
  if (!window.holding) return answer;
  const body = await answer.text();
  await new Promise((go) => window.held.push({url: new URL(answer.url).pathname, go}));
  return new Response(body, {status: answer.status, headers: answer.headers});
};
"""


@pytest.fixture(scope="session")
def browser(
    live_server: Any, require_chromium: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Person]:
    """One browser for all tests here."""
    someone = Person(live_server.url, require_chromium, tmp_path_factory.mktemp("profile"))
    someone.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": PLAYED})
    yield someone
    someone.close()


@pytest.fixture
def person(browser: Person, live_server: Any, owner: User, business: BusinessProfile) -> Person:
    """The owner, signed in anew, in a browser that remembers nothing."""
    client = Client()
    client.force_login(owner, backend="accounts.backends.SessionBackend")
    browser.go("/livez")
    browser.run("localStorage.clear(); sessionStorage.clear()")
    browser.driver.delete_all_cookies()
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    browser.driver.add_cookie({"name": settings.SESSION_COOKIE_NAME, "value": cookie})
    browser.dress(DESKTOP, "light")
    browser.complaints_of_browser()
    return browser
