"""API of analytics, by the same functions as the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.scopes import Resource
from analytics import reports
from analytics.api import serializers
from analytics.reports import date_range, periods
from analytics.reports.date_range import DateRange


class Analytics(Endpoint):
    """Figures that agree with the rows, today's included."""

    section = "Analytics"
    resource = Resource.ANALYTICS

    def _date_range(self) -> DateRange:
        name = self.query["timezone"]
        zone = periods.time_zone(name) if name else None
        return date_range.parse(self.business, serializers.parameters(self.query), zone=zone)

    @operation("Overview", query=serializers.RangeQuery, answer=serializers.OverviewSerializer, fails=(422,))
    def overview(self, request: Request) -> Any:
        """Compare a range of days with the same number of days before: messages, contacts, conversations and times.

        First response: from a customer's first unanswered message to the reply of a person or program; a message that
        waited for over seven days counts as not answered. Resolution: from the customer's first message to the closing.
        """
        dates = self._date_range()
        return reports.overview(self.business, dates.period, dates.group)

    @operation("Messages", query=serializers.RangeQuery, answer=serializers.MessagesSerializer, fails=(422,))
    def messages(self, request: Request) -> Any:
        """Messages of a range: by day, week or month, by type, by number, and by hour of the week."""
        dates = self._date_range()
        return reports.overview(self.business, dates.period, dates.group)

    @operation(
        "Contacts", query=serializers.RangeQuery, answer=serializers.ContactFiguresSerializer, fails=(422,)
    )
    def contacts(self, request: Request) -> Any:
        """Count contacts, retention and replies in a range, and list the most used tags."""
        dates = self._date_range()
        return reports.contacts(self.business, dates.period, dates.group)

    @operation("One campaign", answer=serializers.CampaignFiguresSerializer)
    def campaign(self, request: Request, campaign_id: UUID) -> Any:
        """Results of a campaign so far."""
        return reports.campaign(self.business, campaign_id)
