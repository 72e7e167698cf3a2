"""Celery worker and beat as objects that start and stop within a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import structlog
from celery import beat
from celery.concurrency.thread import ApplyResult, TaskPool, apply_target
from celery.worker import WorkController, state
from django.conf import settings

from whatsflow import inprocess_broker
from whatsflow.celery import app

JOB_THREADS = 3
"""More than jobs.runner.AT_ONCE, so that a task that finds all slots busy can run and return at once."""
SYNC_SECONDS = 180.0
"""Interval at which the schedule's state is written to its file."""

log = structlog.get_logger(__name__)


class _QueuePools(TaskPool):
    """Thread pool for short tasks, with separate pools for the long tasks of `sessions` and `jobs`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._long = {
            "sessions": ThreadPoolExecutor(settings.MAX_SESSIONS, thread_name_prefix="session"),
            "jobs": ThreadPoolExecutor(JOB_THREADS, thread_name_prefix="job"),
        }

    def on_apply(
        self,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
        callback: Any = None,
        accept_callback: Any = None,
        **_: Any,
    ) -> ApplyResult:
        """Submit a task to its queue's pool. args: begins with the task's name."""
        pool: Any = self._long.get(queue_of(args[0]), self.executor)
        return ApplyResult(pool.submit(apply_target, target, args, kwargs, callback, accept_callback))

    def on_stop(self) -> None:
        for pool in self._long.values():
            pool.shutdown(wait=False, cancel_futures=True)
        super().on_stop()
        for pool in self._long.values():
            pool.shutdown(wait=True)


def queue_of(task_name: str) -> str:
    """Return the queue to which a task is routed."""
    route = settings.CELERY_TASK_ROUTES.get(task_name, {})
    return str(route.get("queue", settings.CELERY_TASK_DEFAULT_QUEUE))


class Worker:
    """Celery worker for `queues`. `start` blocks until another thread calls `stop`."""

    def __init__(
        self, queues: list[str], threads: int, *, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        app.conf.worker_enable_remote_control = False
        # System checks load all views and the API; `manage.py up` has checked the configuration already.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        if "sessions" in queues and settings.REDIS_URL:
            app.conf.worker_disable_prefetch = True  # a number waits in Redis for a worker that has room
        self._controller = WorkController(
            app=app,
            queues=queues,
            pool_cls=_QueuePools if settings.EMBEDDED else TaskPool,
            concurrency=threads,
            ready_callback=lambda _consumer: on_ready(),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            quiet=True,
        )

    def start(self) -> None:
        """Work until stopped."""
        self._controller.start()

    def stop(self) -> None:
        """Take no more tasks; `start` returns when the running ones have ended."""
        state.should_stop = 0
        inprocess_broker.interrupt_consumers()


class Beat:
    """Celery beat. `start` blocks until `stop`."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def start(self) -> None:
        """Tick until stopped. Overdue tasks are sent at once."""
        scheduler = beat.PersistentScheduler(
            app=app, schedule_filename=settings.CELERY_BEAT_SCHEDULE_FILENAME
        )
        try:
            synced = monotonic()
            while not self._stop.wait(scheduler.tick()):
                if monotonic() - synced > SYNC_SECONDS:
                    scheduler.sync()
                    synced = monotonic()
        finally:
            scheduler.close()

    def stop(self) -> None:
        """Stop before the next tick."""
        self._stop.set()
