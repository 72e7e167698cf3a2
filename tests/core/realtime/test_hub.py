"""Live updates, on the in-process layer and on Redis."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import channel_layers
from django.conf import settings

from core.realtime import hub, redis_publisher

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
async def group() -> AsyncIterator[str]:
    yield hub.business_group(uuid4())
    if not settings.EMBEDDED:
        await channel_layers["default"].flush()


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


async def test_the_last_one_out_ends_the_subscription(group: str) -> None:
    first, second = Browser(), Browser()
    await hub.hub.join(group, first.socket)
    await hub.hub.join(group, second.socket)
    room = hub.hub._here()[group]
    hub.hub.leave(group, first.socket)
    assert hub.hub.count(group) == 1
    hub.hub.leave(group, second.socket)
    hub.hub.leave(group, second.socket)
    await asyncio.wait([room.task], timeout=10)
    assert room.task.done()
    assert group not in hub.hub._here()


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
    hub.push("not a group!", {"type": "x"})
    hub.push("business.x")


def test_pushing_without_redis_neither_waits_nor_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from channels_redis.pubsub import RedisPubSubChannelLayer

    away = redis_publisher.Courier("redis://127.0.0.1:1/0", capacity=5)
    monkeypatch.setattr(hub, "courier", lambda: away)
    monkeypatch.setattr(hub, "get_channel_layer", RedisPubSubChannelLayer)
    before = time.perf_counter()
    for _ in range(100):
        hub.push("business.x", {"type": "x"})
    assert time.perf_counter() - before < 1


async def test_joining_without_a_layer_says_so(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    class Away:
        async def new_channel(self) -> str:
            raise ConnectionError

    monkeypatch.setattr(hub, "get_channel_layer", Away)
    monkeypatch.setattr(hub, "JOIN_SECONDS", 0.05)
    page = Browser()
    with pytest.raises(TimeoutError):
        await hub.hub.join(group, page.socket)
    assert hub.hub.count(group) == 0


async def test_a_broken_subscription_closes_the_pages_so_that_they_refetch(group: str) -> None:
    page = Browser()
    await hub.hub.join(group, page.socket)
    hub.hub._here()[group]._fan_out({"type": "live.lost"})
    assert await asyncio.wait_for(page.closed, 10) == hub.TRY_AGAIN
    hub.hub.leave(group, page.socket)


async def test_pages_refetch_after_redis_went_away(require_redis: str, group: str) -> None:
    import redis.asyncio

    page, later = Browser(), Browser()
    await hub.hub.join(group, page.socket)
    shard = channel_layers["default"]._get_layer()._shards[0]
    host, port = shard._pubsub.connection._writer.get_extra_info("sockname")[:2]
    async with redis.asyncio.Redis.from_url(require_redis) as client:
        await client.client_kill(f"{host}:{port}")
    assert await asyncio.wait_for(page.closed, 10) == hub.TRY_AGAIN
    await hub.hub.join(group, later.socket)
    push_from_thread(group, {"type": "again"})
    assert await later.frames() == [{"type": "again"}]
    hub.hub.leave(group, page.socket)
    hub.hub.leave(group, later.socket)
