"""Operations on directories of a storage."""

from __future__ import annotations

from django.core.files.storage import Storage, default_storage


def remove_tree(directory: str, storage: Storage = default_storage) -> int:
    """Delete `directory` with all that is in it, in any storage. Returns the number of files.

    A no-op for a missing directory.
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
