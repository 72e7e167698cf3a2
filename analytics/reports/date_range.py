"""The date range and grouping that a page or an endpoint is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics.aggregates import local_date
from analytics.reports import periods
from analytics.reports.periods import Period
from core.clock import now
from core.errors import InvalidInput


@dataclass(frozen=True)
class DateRange:
    """A date range and its grouping.

    range: the name of a preset, or "custom". group: day, week or month; "" for the one that fits.
    """

    period: Period
    range: str
    group: str

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters that `parse` reads back."""
        params = {"range": self.range}
        if self.range == "custom":
            params |= {"from": str(self.period.first), "to": str(self.period.last)}
        return params | ({"group": self.group} if self.group else {})


def parse(business: BusinessProfile, params: Mapping[str, str], *, zone: ZoneInfo | None = None) -> DateRange:
    """Parse `range`, or `from` and `to`, and `group`; the last 30 days without any.

    zone: default the business's. Raises InvalidInput with the invalid parameter as its field.
    """
    zone = zone or ZoneInfo(business.time_zone)
    today = local_date(now(), zone)
    group = params.get("group", "")
    if group and group not in periods.GROUPS:
        raise InvalidInput("unknown_group", "Group by day, week or month.", field="group")
    name = params.get("range") or ("custom" if params.get("from") else periods.DEFAULT)
    if name != "custom":
        return DateRange(periods.preset(name, today, zone), name, group)
    period = periods.between(params.get("from", ""), params.get("to", "") or str(today), zone)
    return DateRange(period, name, group)
