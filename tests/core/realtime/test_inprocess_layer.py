"""The channel layer of the embedded default."""

import asyncio
import threading

import pytest

from core.realtime.inprocess_layer import InProcessChannelLayer


async def _next(layer: InProcessChannelLayer, channel: str) -> dict:
    return await asyncio.wait_for(layer.receive(channel), 5)


async def test_a_group_message_reaches_every_channel_of_the_group() -> None:
    layer = InProcessChannelLayer()
    first, second, outside = [await layer.new_channel() for _ in range(3)]
    await layer.group_add("g", first)
    await layer.group_add("g", second)
    await layer.group_send("g", {"type": "x", "n": 1})
    assert await _next(layer, first) == {"type": "x", "n": 1}
    assert await _next(layer, second) == {"type": "x", "n": 1}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive(outside), 0.05)


async def test_many_threads_reach_one_consumer_without_loss() -> None:
    layer = InProcessChannelLayer(capacity=100_000)
    channel = await layer.new_channel()
    await layer.group_add("g", channel)

    def send() -> None:
        for number in range(2_000):
            layer.group_send_sync("g", {"type": "x", "n": number})

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    got = [(await _next(layer, channel))["n"] for _ in range(8_000)]
    assert sorted(got) == sorted(list(range(2_000)) * 4)
    for thread in threads:
        thread.join()


async def test_one_threads_messages_stay_in_order() -> None:
    layer = InProcessChannelLayer()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    await asyncio.to_thread(lambda: [layer.group_send_sync("g", {"type": "x", "n": n}) for n in range(500)])
    assert [(await _next(layer, channel))["n"] for _ in range(500)] == list(range(500))


async def test_a_full_channel_drops_and_goes_on() -> None:
    layer = InProcessChannelLayer(capacity=3)
    channel = await layer.new_channel()
    for number in range(10):
        await layer.send(channel, {"type": "x", "n": number})
    await asyncio.sleep(0)
    assert [(await _next(layer, channel))["n"] for _ in range(3)] == [0, 1, 2]
    await layer.send(channel, {"type": "x", "n": 99})
    assert (await _next(layer, channel))["n"] == 99


async def test_leaving_and_cancelling_leave_nothing_behind() -> None:
    layer = InProcessChannelLayer()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    task = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert layer._inboxes == {}
    assert dict(layer._groups) == {}
    layer.group_send_sync("g", {"type": "x"})


def test_a_closed_loop_is_forgotten() -> None:
    layer = InProcessChannelLayer()

    async def open_and_go() -> None:
        await layer.group_add("g", await layer.new_channel())

    asyncio.run(open_and_go())
    layer.group_send_sync("g", {"type": "x"})
    assert layer._inboxes == {}


async def test_names_that_cannot_be_groups_are_refused() -> None:
    layer = InProcessChannelLayer()
    with pytest.raises(TypeError):
        await layer.group_add("a group", "c")
