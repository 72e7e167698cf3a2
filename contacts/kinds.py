"""What jobs can do with contacts."""

from __future__ import annotations

from contacts.importing import job as importing
from jobs import registry


def register() -> None:
    """Make the kinds known; called once, in ready()."""
    registry.register(
        importing.KIND,
        importing.run,
        label="Import of contacts",
        icon="upload",
        words=importing.WORDS,
        ended=importing.ended,
    )
