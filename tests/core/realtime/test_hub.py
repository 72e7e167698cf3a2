"""Live updates, within the process and over Redis."""

import asyncio
import json
import os
import threading
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from core.realtime import bus, hub

pytestmark = pytest.mark.services


class Browser:
    """What arrives at one end of a socket."""

    def __init__(self, user: str = "user", *, stuck: bool = False, limit: int = hub.QUEUE_LIMIT) -> None:
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stuck = asyncio.Event()
        if not stuck:
            self.stuck.set()
        self.socket = hub.Socket(user, self._send, self._close, limit=limit)

    async def _send(self, text: str) -> None:
        await self.stuck.wait()
        self.texts.put_nowait(text)

    async def _close(self, code: int) -> None:
        self.closed.set_result(code)

    async def frames(self) -> list[dict[str, Any]]:
        return json.loads(await asyncio.wait_for(self.texts.get(), 10))["frames"]


@pytest.fixture
def group() -> str:
    return hub.business_group(uuid4())


def push_from_thread(group: str, *frames: dict[str, Any]) -> None:
    thread = threading.Thread(target=hub.push, args=(group, *frames))
    thread.start()
    thread.join()


async def test_frames_reach_every_page_of_the_business_and_no_other(group: str) -> None:
    here, too, elsewhere = Browser(), Browser(), Browser()
    other = hub.business_group(uuid4())
    await hub.hub.join(group, here.socket)
    await hub.hub.join(group, too.socket)
    await hub.hub.join(other, elsewhere.socket)
    push_from_thread(group, {"type": "message", "id": uuid4()}, {"type": "status"})
    assert [frame["type"] for frame in await here.frames()] == ["message", "status"]
    assert [frame["type"] for frame in await too.frames()] == ["message", "status"]
    push_from_thread(other, {"type": "own"})
    assert await elsewhere.frames() == [{"type": "own"}]
    for name, browser in ((group, here), (group, too), (other, elsewhere)):
        hub.hub.leave(name, browser.socket)


async def test_frames_keep_their_order(group: str) -> None:
    page = Browser()
    await hub.hub.join(group, page.socket)
    await asyncio.to_thread(lambda: [hub.push(group, {"type": "n", "n": n}) for n in range(200)])
    assert [(await page.frames())[0]["n"] for _ in range(200)] == list(range(200))
    hub.hub.leave(group, page.socket)


async def test_a_slow_page_is_closed_and_the_others_are_not_held_up(group: str) -> None:
    slow, quick = Browser(stuck=True, limit=5), Browser()
    await hub.hub.join(group, slow.socket)
    await hub.hub.join(group, quick.socket)
    for number in range(20):
        push_from_thread(group, {"type": "n", "n": number})
    assert [(await quick.frames())[0]["n"] for _ in range(20)] == list(range(20))
    assert await asyncio.wait_for(slow.closed, 10) == hub.TOO_SLOW
    hub.hub.leave(group, slow.socket)
    hub.hub.leave(group, quick.socket)


async def test_a_removed_member_is_closed_and_hears_nothing_of_it(group: str) -> None:
    removed, stays = Browser("7"), Browser("8")
    await hub.hub.join(group, removed.socket)
    await hub.hub.join(group, stays.socket)
    push_from_thread(group, {"type": "close", "user": 7})
    assert await asyncio.wait_for(removed.closed, 10) == hub.NOT_A_MEMBER
    push_from_thread(group, {"type": "after"})
    assert await stays.frames() == [{"type": "after"}]
    assert removed.texts.empty()
    assert not stays.closed.done()
    hub.hub.leave(group, removed.socket)
    hub.hub.leave(group, stays.socket)


async def test_nothing_is_left_when_the_last_socket_has_left(group: str) -> None:
    first, second = Browser(), Browser()
    await hub.hub.join(group, first.socket)
    await hub.hub.join(group, second.socket)
    hub.hub.leave(group, first.socket)
    assert hub.hub.count(group) == 1
    hub.hub.leave(group, second.socket)
    hub.hub.leave(group, second.socket)
    assert hub.hub.count(group) == 0
    assert asyncio.get_running_loop() not in hub.hub._loops


def test_a_loop_that_was_closed_is_forgotten(group: str) -> None:
    async def join_and_go() -> asyncio.AbstractEventLoop:
        await hub.hub.join(group, Browser().socket)
        return asyncio.get_running_loop()

    loop = asyncio.run(join_and_go())
    hub.hub.receive(hub._encode(group, ({"type": "x"},)))
    assert loop not in hub.hub._loops


async def test_many_threads_reach_one_page_without_loss(group: str) -> None:
    page = Browser(limit=10_000)
    await hub.hub.join(group, page.socket)

    def send() -> None:
        for number in range(500):
            hub.push(group, {"type": "n", "n": number})

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    numbers = [(await page.frames())[0]["n"] for _ in range(2_000)]
    assert sorted(numbers) == sorted(list(range(500)) * 4)
    for thread in threads:
        thread.join()
    hub.hub.leave(group, page.socket)


async def test_a_write_that_fails_harms_nobody_else(group: str) -> None:
    async def broken(text: str) -> None:
        raise ConnectionError

    gone = hub.Socket("1", broken, broken)  # type: ignore[arg-type]
    page = Browser()
    await hub.hub.join(group, gone)
    await hub.hub.join(group, page.socket)
    push_from_thread(group, {"type": "a"})
    push_from_thread(group, {"type": "b"})
    assert await page.frames() == [{"type": "a"}]
    assert await page.frames() == [{"type": "b"}]
    hub.hub.leave(group, gone)
    hub.hub.leave(group, page.socket)


def test_pushing_never_raises() -> None:
    hub.push("business.x", {"type": "odd", "value": object()})
    hub.push("business.x")


def test_pushing_without_redis_neither_waits_nor_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    away = bus.Publisher("redis://127.0.0.1:1/0", capacity=5)
    monkeypatch.setattr(settings, "EMBEDDED", False)
    monkeypatch.setattr(bus, "publisher", lambda: away)
    before = time.perf_counter()
    for _ in range(100):
        hub.push("business.x", {"type": "x"})
    assert time.perf_counter() - before < 1


async def test_joining_without_a_connection_says_so(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setattr(hub, "JOIN_SECONDS", 0.05)
    monkeypatch.setattr(bus, "subscribe", lambda *_: None)
    page, late, here = Browser(), Browser(), hub.Hub()
    with pytest.raises(TimeoutError):
        await here.join(group, page.socket)
    assert here.count(group) == 0
    here.on_connect()
    here.on_disconnect()
    with pytest.raises(TimeoutError):
        await here.join(group, late.socket)


async def test_a_broken_subscription_closes_the_pages_so_that_they_refetch(
    monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    monkeypatch.setattr(bus, "subscribe", lambda *_: None)
    page, here = Browser(), hub.Hub()
    here.on_connect()
    await here.join(group, page.socket)
    here.on_disconnect()
    await asyncio.sleep(0.05)
    assert not page.closed.done()
    here.on_connect()
    assert await asyncio.wait_for(page.closed, 10) == hub.TRY_AGAIN
    here.leave(group, page.socket)


async def test_pages_refetch_after_redis_went_away(require_redis: str, group: str) -> None:
    import redis.asyncio

    page, later = Browser(), Browser()
    await hub.hub.join(group, page.socket)
    async with redis.asyncio.Redis.from_url(require_redis) as client:
        name = f"whatsflow-{hub.CHANNEL}-{os.getpid()}"
        (ours,) = [one for one in await client.client_list(_type="pubsub") if one["name"] == name]
        await client.client_kill_filter(_id=ours["id"])
    assert await asyncio.wait_for(page.closed, 10) == hub.TRY_AGAIN
    await hub.hub.join(group, later.socket)
    push_from_thread(group, {"type": "again"})
    assert await later.frames() == [{"type": "again"}]
    hub.hub.leave(group, page.socket)
    hub.hub.leave(group, later.socket)
