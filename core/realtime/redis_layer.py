"""The channel layer on Redis: channels_redis's pub/sub layer, which also says when something may have been missed.

redis-py reconnects and subscribes again by itself, silently; what was published in between is gone. Here every channel
then gets `{"type": "live.lost"}`, so that the hub can let its pages refetch. Waiting costs nothing: the original asks
ten times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import _wrap_close, create_pool, decode_hosts
from redis import RedisError
from redis import asyncio as aioredis
from redis.asyncio.client import PubSub

log = structlog.get_logger(__name__)

LOST = {"type": "live.lost"}
RETRY_SECONDS = 1.0


class _PubSub(PubSub):
    """Calls `on_return` when subscriptions had to be made again."""

    on_return: Callable[[], None]

    async def on_connect(self, connection: Any) -> None:
        returning = bool(self.channels)
        await super().on_connect(connection)
        if returning:
            self.on_return()


class _Shard(RedisSingleShardConnection):
    """One Redis server, seen from one event loop."""

    _redis: aioredis.Redis | None
    _pubsub: _PubSub | None

    def _ensure_redis(self) -> None:
        if self._redis is None:
            self._redis = aioredis.Redis(connection_pool=create_pool(self.host))
            self._pubsub = _PubSub(self._redis.connection_pool)
            self._pubsub.on_return = self.channel_layer.announce_loss

    async def _do_receiving(self) -> None:
        while True:
            try:
                if self._pubsub is None or not self._pubsub.subscribed:
                    await asyncio.sleep(0.05)
                    continue
                self._receive_message(
                    await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=None)
                )
            except (RedisError, OSError) as error:
                log.warning("live_redis_lost", reason=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)


class _LoopLayer(RedisPubSubLoopLayer):
    """The layer of one event loop."""

    def __init__(self, hosts: Any = None, **kwargs: Any) -> None:
        super().__init__(hosts, **kwargs)
        self._shards = [_Shard(host, self) for host in decode_hosts(hosts)]

    def announce_loss(self) -> None:
        """Tell every channel of this loop that messages may be missing."""
        lost = self.channel_layer.serialize(LOST)
        for queue in self.channels.values():
            queue.put_nowait(lost)


class RedisChannelLayer(RedisPubSubChannelLayer):
    """For CHANNEL_LAYERS: as channels_redis.pubsub.RedisPubSubChannelLayer."""

    def _get_layer(self) -> _LoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = _LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        return self._layers[loop]  # type: ignore[no-any-return]
