"""manage.py hold: let nothing leave that waits, until a person has decided. For after a restored backup."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from connections.services import holds
from core import clock


class Command(BaseCommand):
    """Holds happen by themselves when the data is old; this is for a backup that is younger than that."""

    help = "Hold every number that has messages waiting, and pause campaigns, until somebody decides in the dashboard."

    def handle(self, *args: Any, **options: Any) -> None:
        held = holds.hold_all(clock.database_now())
        self.stdout.write(f"{len(held)} number{'' if len(held) == 1 else 's'} held. Decide on their pages.")
