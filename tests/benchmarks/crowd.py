"""A hundred people at work at once: each with a page's socket open, reading and answering, with pauses to think."""

from __future__ import annotations

import asyncio
import random
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from websockets.asyncio.client import connect

from tests.benchmarks.load import body_of
from tests.benchmarks.report import Result, percentile
from tests.benchmarks.site import PASSWORD, Browser, Site

PEOPLE = 100
TEAM = ("demo@example.com", "ada.demo@example.com", "tim.demo@example.com", "vera.demo@example.com")
THINKS = (3.0, 6.0)
"""Seconds that one of them takes to read and write: three requests each time, about 65 a second from all."""
WANTED_MS = 500


@dataclass
class _Tally:
    """Times of what was asked, in seconds; what was answered otherwise than it should; frames that came."""

    pages: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    frames: int = 0


def measure(site: Site, seconds: float) -> list[Result]:
    """What they wait for their pages and for their messages to be taken; nobody gets an error."""
    people = [_signed_in(site, email) for email in TEAM]
    chats = re.findall(r'data-conversation="([0-9a-f-]{36})"', people[0].request("GET", "/inbox/?tab=all")[1])
    tally = _Tally()
    asyncio.run(_crowd(site, people, chats, seconds, tally))
    rate = (len(tally.pages) + len(tally.sends)) / seconds
    first = f" (the first: {tally.errors[0]})" if tally.errors else ""
    note = f"{rate:.0f} requests/s, {len(tally.errors)} errors{first}, {tally.frames:,} frames"
    results = []
    for name, times in (("pages", tally.pages), ("sending", tally.sends)):
        p95 = percentile(times, 0.95) * 1000
        reached = not tally.errors and p95 < WANTED_MS
        title = f"{PEOPLE} people at once, {name}"
        results.append(Result(title, p95, "ms p95", None, "", f"< {WANTED_MS}", reached, note))
    return results


def _signed_in(site: Site, email: str) -> Browser:
    browser = Browser(site.page_port)
    browser.request("GET", "/accounts/login/")
    status, _ = browser.request("POST", "/accounts/login/", {"username": email, "password": PASSWORD})
    if status != 302:
        raise RuntimeError(f"{email} could not sign in: {status}")
    return browser


async def _crowd(site: Site, people: list[Browser], chats: list[str], seconds: float, tally: _Tally) -> None:
    end = time.perf_counter() + seconds
    works = [_work(site, people[number % len(people)], number, chats, end, tally) for number in range(PEOPLE)]
    await asyncio.gather(*works)


async def _work(
    site: Site, browser: Browser, number: int, chats: list[str], end: float, tally: _Tally
) -> None:
    """One of them. Whoever may not write (every fourth is a viewer) only reads."""
    chance = random.Random(number)
    origin = f"http://localhost:{site.port}"
    async with connect(
        f"ws://localhost:{site.port}/ws/live/",
        origin=origin,  # type: ignore[arg-type]
        additional_headers={"Cookie": browser.cookie},
    ) as socket:
        listening = asyncio.create_task(_listen(socket, tally))
        reader, writer = await asyncio.open_connection("127.0.0.1", site.page_port)
        try:
            await asyncio.sleep(chance.uniform(0, THINKS[1]))
            while time.perf_counter() < end:
                chat = chance.choice(chats)
                await _ask(reader, writer, site, browser, "/inbox/", None, tally)
                await _ask(reader, writer, site, browser, f"/inbox/{chat}/", None, tally)
                if number % len(TEAM) != len(TEAM) - 1:
                    form = {
                        "text": f"Hello from {number}",
                        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
                    }
                    await _ask(reader, writer, site, browser, f"/inbox/{chat}/send/", form, tally)
                await asyncio.sleep(chance.uniform(*THINKS))
        finally:
            writer.close()
            listening.cancel()


async def _listen(socket: object, tally: _Tally) -> None:
    async for _ in socket:  # type: ignore[attr-defined]
        tally.frames += 1


async def _ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    site: Site,
    browser: Browser,
    path: str,
    form: dict[str, str] | None,
    tally: _Tally,
) -> None:
    body = urlencode(form) if form else ""
    head = [
        f"{'POST' if form else 'GET'} {path} HTTP/1.1",
        f"Host: localhost:{site.page_port}",
        f"Cookie: {browser.cookie}",
        f"Origin: http://localhost:{site.page_port}",
    ]
    if form:
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    begin = time.perf_counter()
    writer.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    await body_of(reader, answer.lower())
    took = time.perf_counter() - begin
    expected = b"HTTP/1.1 302" if form else b"HTTP/1.1 200"
    if answer.startswith(expected):
        (tally.sends if form else tally.pages).append(took)
    else:
        tally.errors.append(f"{path}: {answer[:40]!r}")
