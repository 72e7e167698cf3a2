"""Stored files by the directory."""

from __future__ import annotations

from django.core.files.storage import Storage, default_storage


def remove_tree(directory: str, storage: Storage = default_storage) -> int:
    """Delete everything below `directory` in the storage, a directory or S3 alike. Returns how many files.

    A directory that does not exist is fine.
    """
    try:
        directories, files = storage.listdir(directory)
    except FileNotFoundError:
        return 0
    for name in files:
        storage.delete(f"{directory}/{name}")
    removed = len(files) + sum(remove_tree(f"{directory}/{name}", storage) for name in directories)
    storage.delete(directory)
    return removed
