"""The numbers that this process drives, up to WHATSFLOW_MAX_SESSIONS."""

from __future__ import annotations

import threading
from uuid import UUID

from django.conf import settings

from connections.services.holds import pulse
from core import shutdown
from core.db.leases import owner_name
from messaging.runner.runner import SessionRunner

_running: set[UUID] = set()
_lock = threading.Lock()


def run_here(connection_id: UUID) -> bool:
    """Drive the number until it goes offline, the lease is lost or the process stops.

    Returns False at once if this process drives the number already, or as many as it may.
    """
    if not _enter(connection_id):
        return False
    try:
        pulse.beat()
        SessionRunner(connection_id, owner_name(), shutdown.stopping).run()
    finally:
        with _lock:
            _running.discard(connection_id)
    return True


def _enter(connection_id: UUID) -> bool:
    with _lock:
        full = len(_running) >= settings.MAX_SESSIONS
        if full or connection_id in _running or shutdown.stopping.is_set():
            return False
        _running.add(connection_id)
        return True
