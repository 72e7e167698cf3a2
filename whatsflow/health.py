"""Liveness, readiness and metrics for proxies, containers and people on call. No login."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import connections.gauges
import jobs.gauges
import messaging.gauges
import webhooks.gauges
from core import gauges
from core.files import disk
from core.shutdown import stopping
from whatsflow import __version__

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process can answer."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if requests can be served, else 503 with the failed checks."""
    checks = {name: _passes(name, check) for name, check in _checks().items()}
    ready = all(checks.values())
    body = {
        "status": "ready" if ready else "not ready",
        "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Serve metrics to Prometheus, authorised by WHATSFLOW_METRICS_TOKEN; 404 if that is not set.

    All values come from the database, so that every process reports the same ones.
    """
    if not settings.METRICS_TOKEN:
        raise Http404
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not constant_time_compare(token, settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    all_gauges = chain(
        [
            gauges.Gauge("info", "The version that runs.", 1, {"version": __version__}),
            gauges.Gauge("disk_free_bytes", "Free on the disk of WHATSFLOW_HOME.", disk.free_bytes()),
        ],
        connections.gauges.read(),
        messaging.gauges.read(),
        webhooks.gauges.read(),
        jobs.gauges.read(),
    )
    return HttpResponse(gauges.text(all_gauges), content_type=gauges.CONTENT_TYPE)


def _checks() -> dict[str, Callable[[], bool]]:
    checks = {"database": _database_answers, "migrations": _migrated, "running": _running}
    if settings.REDIS_URL:
        checks["redis"] = _redis_answers
    return checks


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, OSError) as error:
        log.warning("not_ready", check=name, reason=type(error).__name__)
        return False


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


_seen_migrated = False


def _migrated() -> bool:
    """Whether all migrations are applied, cached once it is true."""
    global _seen_migrated
    if not _seen_migrated:
        executor = MigrationExecutor(connection)
        _seen_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _seen_migrated


def _running() -> bool:
    return not stopping.is_set()


def _redis_answers() -> bool:
    import redis  # here, to keep the embedded default small

    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError as error:
            raise ConnectionError(type(error).__name__) from error
