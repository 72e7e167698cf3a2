"""A clock that tests turn by hand: what the code calls now, not the database's time of leases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest


class Clock:
    """`clock.moment` is now for everything in this process."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def passes(self, **span: float) -> None:
        self.moment += timedelta(**span)


def turned_by_hand(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> Clock:
    """A clock that stands at `moment`."""
    clock = Clock(moment)
    monkeypatch.setattr("django.utils.timezone.now", clock)
    return clock
