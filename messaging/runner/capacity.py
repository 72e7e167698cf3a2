"""How many numbers this process drives, and which."""

from __future__ import annotations

import os
import socket
import threading
from uuid import UUID

from django.conf import settings

from connections.services.holds import pulse
from core import shutdown
from core.ids import uuid7
from messaging.runner.runner import SessionRunner

_running: set[UUID] = set()
_lock = threading.Lock()


def run_here(connection_id: UUID) -> bool:
    """Drive the number until it goes offline, the lease is lost or the process stops.

    False, at once, when it is driven here already or this process drives WHATSFLOW_MAX_SESSIONS numbers.
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


def owner_name() -> str:
    """Who holds a lease: machine, process and a part that no other runner has (at most 64 characters)."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid7().hex}"


def _enter(connection_id: UUID) -> bool:
    with _lock:
        full = len(_running) >= settings.MAX_SESSIONS
        if full or connection_id in _running or shutdown.stopping.is_set():
            return False
        _running.add(connection_id)
        return True
