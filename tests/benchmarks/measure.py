"""The measurements. Each takes a running or resting installation and answers with results."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from tests.benchmarks import express
from tests.benchmarks.load import hammer
from tests.benchmarks.report import Result, median, percentile
from tests.benchmarks.site import (
    ROOT,
    Browser,
    Place,
    Site,
    as_installed,
    free_port,
    running,
    signed_in,
    wait_for_page,
)

CONNECTIONS = 8
SOCKETS = 200
SOCKETS_EACH = 20
"""Of one person: a colleague with many tabs."""
FRAME = 1500
"""Bytes of a pushed fragment."""


@dataclass(frozen=True)
class Effort:
    """How long measurements take."""

    seconds: float
    samples: int
    frames: int


QUICK = Effort(seconds=2.0, samples=30, frames=40)
FULL = Effort(seconds=6.0, samples=200, frames=150)


def inside(place: Place, name: str, **arguments: Any) -> dict[str, Any]:
    """Run one of `tests.benchmarks.inside` in a process of that place."""
    return _answer(start_inside(place, name, **arguments))


def start_inside(place: Place, name: str, **arguments: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.inside", name, json.dumps(arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=place.environment, stdout=subprocess.PIPE, text=True)


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=600)
    if process.returncode:
        raise RuntimeError(f"A measurement ended with status {process.returncode}; see above.")
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


# -- live --------------------------------------------------------------------------------------------


def event_to_screen(site: Site, where: str, effort: Effort) -> list[Result]:
    """A customer of the simulated phone writes: how long until another browser's socket has it."""
    facts = inside(site.place, "facts")
    writer, reader = signed_in(site), signed_in(site)
    path = f"/connections/phone/customers/{facts['customer']}/write/"
    token = _csrf(writer, f"/connections/phone/customers/{facts['customer']}/")
    times = []
    with _socket(site, reader) as socket:
        for number in range(effort.samples + 5):
            text = f"bench {number} {time.monotonic_ns()}"
            begin = time.monotonic()
            status, _ = writer.request("POST", path, {"text": text}, **{"X-CSRFToken": token})
            if status not in (200, 302):
                raise RuntimeError(f"Writing as a customer was answered with {status}")
            _wait_for(socket, text, writer)
            times.append((time.monotonic() - begin) * 1000)
    measured = times[5:]
    p95 = percentile(measured, 0.95)
    note = (
        f"median {median(measured):.0f} ms; from the customer's request, through its handling, to the socket"
    )
    return [Result(f"event to screen, {where}", p95, "ms p95", None, "", "< 100", p95 < 100, note)]


@contextmanager
def _socket(site: Site, browser: Browser) -> Any:
    origin = f"http://localhost:{site.port}"
    with connect(
        f"ws://localhost:{site.port}/ws/live/",
        origin=origin,  # type: ignore[arg-type]
        additional_headers={"Cookie": browser.cookie},
    ) as socket:
        yield socket


def _wait_for(socket: Any, text: str, writer: Browser) -> None:
    """Until a frame with `text` has come."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if text in socket.recv(timeout=15):
            return
    raise RuntimeError("The frame did not come within 15 s")


def _csrf(browser: Browser, path: str) -> str:
    """The token that a page gives its scripts."""
    _, body = browser.request("GET", path)
    found = re.search(r"X-CSRFToken[^A-Za-z0-9]+([A-Za-z0-9]{64})", body) or re.search(
        r'csrfmiddlewaretoken" value="([A-Za-z0-9]{64})"', body
    )
    if found is None:
        raise RuntimeError(f"{path} has no CSRF token")
    return found.group(1)


def fan_out(site: Site, effort: Effort) -> list[Result]:
    """One push to 200 sockets: through the real stack, and through uvicorn alone."""
    facts = inside(site.place, "facts")
    cookies = inside(site.place, "colleagues", count=SOCKETS // SOCKETS_EACH)["cookies"]
    address = f"ws://localhost:{site.port}/ws/live/"
    origin = f"http://localhost:{site.port}"

    def push(count: int, pause: float) -> subprocess.Popen[str]:
        arguments = {"business": facts["business"], "count": count, "pause": pause, "size": FRAME}
        return start_inside(site.place, "push", **arguments)

    ours = asyncio.run(_listen(address, origin, cookies, effort.frames, push))
    with _bare_server("tests.benchmarks.raw_sockets:application", site.place, "uvicorn") as port:
        raw = asyncio.run(_raw(f"ws://localhost:{port}/", effort.frames))
    rate, raw_rate, p95 = ours[0], raw[0], ours[1]
    return [
        Result("fan-out to 200 sockets", rate, "texts/s", raw_rate, "raw", ">= 0.9", rate >= 0.9 * raw_rate),
        Result(
            "fan-out to the last of 200",
            p95,
            "ms p95",
            raw[1],
            "raw",
            "< 20 ms",
            p95 < 20,
            "from push to the client",
        ),
    ]


Arrivals = dict[int, tuple[float, list[float]]]
"""When each frame was handed over, and when it came to each socket."""


async def _listen(
    address: str, origin: str, cookies: list[str], frames: int, push: Any
) -> tuple[float, float]:
    """(texts a second in a burst, p95 in ms until the last socket has a single one)."""
    sockets = await asyncio.gather(
        *(
            connect_async(address, origin=origin, additional_headers={"Cookie": cookie})  # type: ignore[arg-type]
            for cookie in cookies
            for _ in range(SOCKETS_EACH)
        )
    )
    try:
        return await _measured(sockets, frames, push)
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))


async def _measured(sockets: Sequence[ClientConnection], frames: int, push: Any) -> tuple[float, float]:
    single = await _pushed(sockets, frames, push, 0.05)
    burst = await _pushed(sockets, frames, push, 0.0)
    last = [max(arrived) - at for at, arrived in single.values()]
    begin = min(at for at, _ in burst.values())
    end = max(max(arrived) for _, arrived in burst.values())
    return frames * SOCKETS / (end - begin), percentile(last, 0.95) * 1000


async def _gather(sockets: Sequence[ClientConnection], frames: int) -> Arrivals:
    """When each frame was handed over, and when it came to each socket."""
    came: Arrivals = {}

    async def read(socket: ClientConnection) -> None:
        left = frames
        while left:
            text = await asyncio.wait_for(socket.recv(), 60)
            arrived = time.monotonic()
            for number, at in re.findall(r'"bench","number":(\d+),"at":([0-9.]+)', str(text)):
                came.setdefault(int(number), (float(at), []))[1].append(arrived)
                left -= 1

    await asyncio.gather(*(read(socket) for socket in sockets))
    return came


async def _pushed(sockets: Sequence[ClientConnection], frames: int, push: Any, pause: float) -> Arrivals:
    process = await asyncio.to_thread(push, frames, pause)
    came = await _gather(sockets, frames)
    if await asyncio.to_thread(process.wait, 60):
        raise RuntimeError("The process that pushes failed; see above.")
    return came


async def _raw(address: str, frames: int) -> tuple[float, float]:
    """The same as _listen for the bare server; who speaks is a process of its own there too."""
    sockets = await asyncio.gather(*(connect_async(address) for _ in range(SOCKETS)))

    def speak(count: int, pause: float) -> subprocess.Popen[str]:
        arguments = json.dumps({"count": count, "pause": pause, "size": FRAME})
        command = [sys.executable, "-m", "tests.benchmarks.raw_sockets", address, arguments]
        return subprocess.Popen(command, cwd=ROOT, text=True)

    try:
        return await _measured(sockets, frames, speak)
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))


# -- pages -------------------------------------------------------------------------------------------


def pages(site: Site, effort: Effort) -> list[Result]:
    """The inbox and a long conversation over HTTP with a session, in turn with Express + pg and with the bare page."""
    facts, browser = inside(site.place, "facts"), signed_in(site)
    wanted = {"inbox": "/inbox/?tab=open", "conversation": f"/inbox/{facts['conversation']}/"}
    environment = {
        "BENCH_BUSINESS": facts["business"],
        "BENCH_OWNER": facts["owner"],
        "BENCH_CONVERSATION": facts["conversation"],
    }
    for name, path in wanted.items():
        size = len(browser.request("GET", path)[1].encode())
        environment[f"BENCH_{name.upper()}_BYTES"] = str(size)
    session = browser.cookies["whatsflow_session"]
    results, missing = [], express.prepare(site.place)
    with contextlib.ExitStack() as others:
        bare = _bare_server("tests.benchmarks.bare:application", site.place, "granian", **environment)
        ports = {"bare": others.enter_context(bare)}
        if not missing:
            ports["express"] = others.enter_context(express.running(site.place, environment))
        for name, path in wanted.items():
            rates, waits = _in_turn(site, ports, (path, browser.cookie), (f"/{name}", session), effort)
            ours, limit = rates["ours"], rates.get("express")
            note = f"p95 {waits:.0f} ms" + (f"; {missing}" if missing else "")
            reached = ours >= 0.5 * limit if limit else None
            results += [
                Result(f"{name} page", ours, "req/s", limit, "Express + pg", ">= 0.5", reached, note),
                Result(f"{name} page, no framework", ours, "req/s", rates["bare"], "bare page", "", None),
            ]
    return results


ROUNDS = 3


def _in_turn(
    site: Site, ports: dict[str, int], own: tuple[str, str], theirs: tuple[str, str], effort: Effort
) -> tuple[dict[str, float], float]:
    """Requests a second of each server, the median of a few rounds, and our p95 in milliseconds.

    One after the other in every round: how fast this machine is changes within a minute.
    """
    rates: dict[str, list[float]] = {"ours": [], **{name: [] for name in ports}}
    waits = []
    for _ in range(ROUNDS):
        for name, port in {"ours": site.page_port, **ports}.items():
            path, cookie = own if name == "ours" else theirs
            found = hammer(port, path, cookie, connections=CONNECTIONS, seconds=effort.seconds / 2)
            rates[name].append(found.rate)
            if name == "ours":
                waits.append(found.p95)
    return {name: median(each) for name, each in rates.items()}, median(waits)


@contextmanager
def _bare_server(target: str, place: Place, server: str, **environment: str) -> Any:
    """A granian (WSGI, with the site's own number of processes) or a uvicorn with `target`; yields its port."""
    port = free_port()
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    if server == "granian":
        extra = [
            "--interface",
            "wsgi",
            "--workers",
            "2",
            "--blocking-threads",
            "4",
            "--no-ws",
            "--log-level",
            "error",
        ]
    else:
        extra = ["--log-level", "error", "--no-access-log", "--lifespan", "off"]
    log = place.home / "bare.log"
    command = [sys.executable, "-m", server, target, *listen, *extra]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**place.environment, **environment}, stdout=out, stderr=out
        )
    try:
        wait_for_page(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(20)


# -- data --------------------------------------------------------------------------------------------


def depth(place: Place) -> list[Result]:
    """The list's page at depth 80,000 beside its first page."""
    found = inside(place, "depth", at=80_000)
    reached = found["deep"] <= 1.5 * found["first"]
    note = f"after {found['at']:,} conversations; the selector alone"
    deep, first = found["deep"], found["first"]
    return [Result("page at depth", deep, "ms", first, "first page", "<= 1.5", reached, note)]


def search(place: Place, effort: Effort) -> list[Result]:
    """Finding people and messages."""
    found = inside(place, "search", rounds=3 if effort is QUICK else 8)
    note = f"slowest {found['max']:.0f} ms for “{found['slowest']}”"
    return [Result("search", found["p95"], "ms p95", None, "", "<= 50", found["p95"] <= 50, note)]


def contacts(place: Place, database: str, effort: Effort) -> list[Result]:
    """The list of contacts as the server makes it beside bare SQL for the same rows; deep pages beside the first."""
    found = inside(place, "contact_pages", rounds=3 if effort is QUICK else 8)
    results = [
        Result(
            f"contacts {kind} ({database})",
            times["page"],
            "ms p95",
            times["bare"],
            "bare SQL",
            "< 50 ms",
            times["page"] < 50,
            f"median {times['median']:.1f} ms",
        )
        for kind, times in found.items()
    ]
    deep = inside(place, "contact_depth", at=80_000)
    for sort, times in deep["sorts"].items():
        name = f"contacts by {sort} at depth {deep['at']:,} ({database})"
        reached = times["deep"] <= 1.5 * times["first"]
        results.append(Result(name, times["deep"], "ms", times["first"], "first page", "<= 1.5", reached))
    return results


def claim(place: Place, effort: Effort) -> list[Result]:
    """The outbox: 100 rows a statement."""
    connections = inside(place, "numbers", count=1)["connections"]
    try:
        found = inside(place, "claim", connection=connections[0], rows=2_000 if effort is QUICK else 10_000)
    finally:
        inside(place, "remove", connections=connections)
    note = f"{found['claimed']:,} rows in {found['statements']} claims, each with its guard and commit"
    return [
        Result("outbox claim", found["rate"], "rows/s", None, "", ">= 20,000", found["rate"] >= 20_000, note)
    ]


def inbound(place: Place, effort: Effort) -> list[Result]:
    """Four numbers receive at once, beside four clients that insert plain rows."""
    connections = inside(place, "numbers", count=4)["connections"]
    inside(place, "plain_table", there=True)
    try:
        batched = _together(place, "inbound", connections, seconds=effort.seconds, batch=50, people=200)
        single = _together(place, "inbound", connections, seconds=effort.seconds, batch=1, people=200)
        plain = _together(place, "inserts", [None] * 4, seconds=effort.seconds)
    finally:
        inside(place, "plain_table", there=False)
        inside(place, "remove", connections=connections)
    reached = batched >= 0.4 * plain
    return [
        Result("inbound, 4 numbers, batches of 50", batched, "msg/s", plain, "inserts/s", ">= 0.4", reached),
        Result("inbound, 4 numbers, one by one", single, "msg/s", plain, "inserts/s", "", None),
    ]


def webhooks(place: Place, effort: Effort) -> list[Result]:
    """Posts to a receiver that answers at once, and what one that misbehaves does to it."""
    found = inside(place, "deliveries", events=2_000 if effort is QUICK else 10_000)
    near = inside(place, "neighbours", seconds=effort.seconds)
    rate, times = found["rate"], near["beside"] / near["alone"]
    note = f"{found['recorded']:,.0f} events/s written with their deliveries"
    return [
        Result("webhook deliveries", rate, "/s", found["bare"], "bare posts/s", ">= 300", rate >= 300, note),
        Result(
            "webhook delay beside a misbehaving one",
            near["beside"],
            "ms",
            near["alone"],
            "ms alone",
            "< 2 x",
            times < 2,
        ),
    ]


def campaigns(place: Place, effort: Effort) -> list[Result]:
    """The freeze of everybody beside the bare INSERT, and what the engine moves when nothing holds it back."""
    frozen = inside(place, "campaign_freeze")
    taken, bare = frozen["seconds"], frozen["bare"]
    try:
        engine = inside(place, "campaign_engine", people=300 if effort is QUICK else 5_000)
    finally:
        inside(place, "campaign_clear")
    rate, page = engine["rate"], engine["page"]
    note = f"{engine['sent']:,} messages; {engine['share']:.0%} of the time is waiting for the database"
    return [
        Result(
            f"freeze of {frozen['rows']:,}", taken, "s", bare, "bare INSERT", "< 0.6, <= 6",
            taken < 0.6 and taken <= 6 * bare,
        ),
        Result("campaign without pacing", rate, "msg/s", None, "", ">= 500", rate >= 500, note),
        Result("campaign page meanwhile", page, "ms p95", None, "", "< 100", page < 100),
    ]  # fmt: skip


def _together(place: Place, name: str, connections: Sequence[str | None], **arguments: Any) -> float:
    """The sum of the rates of processes that run at the same time."""
    each = [{"connection": one, **arguments} if one else arguments for one in connections]
    processes = [start_inside(place, name, **one) for one in each]
    return float(sum(_answer(process)["rate"] for process in processes))


# -- process -----------------------------------------------------------------------------------------


def start_and_idle(place: Place, effort: Effort) -> list[Result]:
    """The second start of an installation, and what it takes while nobody does anything."""
    place = as_installed(place)
    with running(place):
        pass
    with running(place) as site:
        signed_in(site).request("GET", "/")
        time.sleep(
            3 if effort is QUICK else 120
        )  # until the number has fetched the pictures of its customers
        family = [
            psutil.Process(site.process.pid),
            *psutil.Process(site.process.pid).children(recursive=True),
        ]
        before = _cpu(family)
        span = 5.0 if effort is QUICK else 30.0
        time.sleep(span)
        cpu = (_cpu(family) - before) / span * 100
        memory = sum(one.memory_info().rss for one in family) / 1024**2
        begin = site.seconds_to_page
    return [
        Result("second start to first page", begin, "s", None, "", "< 3", begin < 3),
        Result("idle memory", memory, "MB", None, "", "< 160", memory < 160),
        Result("idle CPU", cpu, "%", None, "", "< 1.5", cpu < 1.5),
    ]


def _cpu(family: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in family)
