"""What range a page or an endpoint is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics import periods
from analytics.aggregates import local_days
from analytics.periods import Period
from core.clock import now
from core.errors import InvalidInput


@dataclass(frozen=True)
class Asked:
    """range: the name of a preset, or "custom"."""

    period: Period
    range: str
    group: str

    @property
    def query(self) -> dict[str, str]:
        """The parameters that ask for the same."""
        given = {"range": self.range}
        if self.range == "custom":
            given |= {"from": str(self.period.first), "to": str(self.period.last)}
        return given | ({"group": self.group} if self.group else {})


def asked(business: BusinessProfile, given: Mapping[str, str], *, zone: ZoneInfo | None = None) -> Asked:
    """The range that `range`, or `from` and `to`, name, in `zone` (the business's); the last 30 days without any.

    Raises InvalidInput with the parameter at fault as its field.
    """
    zone = zone or ZoneInfo(business.time_zone)
    today = local_days.local_date(now(), zone)
    group = given.get("group", "")
    if group and group not in periods.GROUPS:
        raise InvalidInput("unknown_group", "Group by day, week or month.", field="group")
    name = given.get("range") or ("custom" if given.get("from") else periods.DEFAULT)
    if name != "custom":
        return Asked(periods.preset(name, today, zone), name, group)
    period = periods.between(given.get("from", ""), given.get("to", "") or str(today), zone)
    return Asked(period, name, group)
