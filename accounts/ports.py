"""What accounts needs of the apps above it, which register it in their ready()."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

FileRemover = Callable[[UUID], None]
"""Deletes what an app keeps outside the database for a business. Safe to call again; raises when it could not."""

_removers: list[FileRemover] = []


def register_file_remover(remover: FileRemover) -> None:
    """Have `remover` called when a deleted business is removed: once while its rows are there, once when not."""
    if remover not in _removers:
        _removers.append(remover)


def remove_files(business_id: UUID) -> None:
    """Call every remover. Raises what one of them raises: the business then stays marked, and is tried again."""
    for remover in tuple(_removers):
        remover(business_id)
