"""Hooks that the apps above register in their ready()."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

FileRemover = Callable[[UUID], None]
"""Deletes the files that an app stores for a business. Idempotent; raises if it fails."""

_removers: list[FileRemover] = []


def register_file_remover(remover: FileRemover) -> None:
    """Register a remover, called for a deleted business both before and after its rows are removed."""
    if remover not in _removers:
        _removers.append(remover)


def remove_files(business_id: UUID) -> None:
    """Call every remover. Raises what a remover raises; the purge is then retried later."""
    for remover in tuple(_removers):
        remover(business_id)
