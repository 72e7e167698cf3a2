"""`manage.py rollup`: count days again."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import BusinessProfile
from analytics import aggregates


class Command(BaseCommand):
    """Rebuild the figures of all dates, or of a range with --from and --to."""

    help = "Count the days of one business or of all. Figures are right without it; it only counts anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--business", metavar="ID", help="only this business")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = BusinessProfile.objects.filter(deleted_at=None).order_by("created_at")
        if options["business"]:
            chosen = chosen.filter(pk=options["business"])
        businesses = list(chosen)
        if not businesses:
            raise CommandError("There is no such business.")
        while aggregates.open_marked_dates():
            pass
        for business in businesses:
            self._rebuild(business, options["first"], options["last"])

    def _rebuild(self, business: BusinessProfile, first: date | None, last: date | None) -> None:
        first = first or aggregates.first_date(business)
        last = last or date.today()
        if first is None or first > last:
            self.stdout.write(f"{business.pk}: nothing to count")
            return
        total = (last - first).days + 1
        with tqdm(total=total, unit=" days", desc=str(business.pk), disable=not self.stdout.isatty()) as bar:
            done = aggregates.rebuild(business, first, last, bar.update)
        aggregates.catch_up(business)
        self.stdout.write(f"{business.pk}: {done} days counted, from {first} to {last}")
