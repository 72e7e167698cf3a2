"""Figures of a business: each function takes the business and a range of dates, and agrees with the rows."""

from analytics.figures.campaigns import campaign, campaigns
from analytics.figures.contacts import contacts
from analytics.figures.overview import overview

__all__ = ["campaign", "campaigns", "contacts", "overview"]
