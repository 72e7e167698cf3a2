"""Figures by the API: the same functions as the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.scopes import Resource
from analytics import periods, reports
from analytics.api import serializers
from analytics.date_range import Asked, asked


class Analytics(Endpoint):
    """Figures that agree with the rows, today's included."""

    section = "Analytics"
    resource = Resource.ANALYTICS

    def _asked(self) -> Asked:
        name = self.query["timezone"]
        zone = periods.time_zone(name) if name else None
        return asked(self.business, serializers.parameters(self.query), zone=zone)

    @operation("Overview", query=serializers.RangeQuery, answer=serializers.OverviewSerializer, fails=(422,))
    def overview(self, request: Request) -> Any:
        """Messages, contacts, conversations and times of a range of days, beside the same number of days before it.

        First response: from a customer's first unanswered message to the answer of a person or program; what waited
        for over seven days was not answered. Resolution: from the customer's first message to the closing.
        """
        wanted = self._asked()
        return reports.overview(self.business, wanted.period, wanted.group)

    @operation("Messages", query=serializers.RangeQuery, answer=serializers.MessagesSerializer, fails=(422,))
    def messages(self, request: Request) -> Any:
        """Messages of a range of days: in pieces, by type, by number, and by hour of the week."""
        wanted = self._asked()
        return reports.overview(self.business, wanted.period, wanted.group)

    @operation(
        "Contacts", query=serializers.RangeQuery, answer=serializers.ContactFiguresSerializer, fails=(422,)
    )
    def contacts(self, request: Request) -> Any:
        """How many contacts there are, who stays, who answers, and the tags that most of them have."""
        wanted = self._asked()
        return reports.contacts(self.business, wanted.period, wanted.group)

    @operation("One campaign", answer=serializers.CampaignFiguresSerializer)
    def campaign(self, request: Request, campaign_id: UUID) -> Any:
        """What a campaign came to, so far."""
        return reports.campaign(self.business, campaign_id)
