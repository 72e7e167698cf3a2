"""Figures of a business: each function takes the business and a range of dates, and agrees with the rows."""

from analytics.reports.campaigns import campaign, campaigns
from analytics.reports.contacts import contacts
from analytics.reports.overview import overview

__all__ = ["campaign", "campaigns", "contacts", "overview"]
