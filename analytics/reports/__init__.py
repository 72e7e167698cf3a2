"""Reports of pages, API and mails, built from the aggregates.

Each function takes the business and a period; its figures equal the rows.
"""

from analytics.reports.campaigns import campaign, campaigns
from analytics.reports.contacts import contacts
from analytics.reports.overview import overview

__all__ = ["campaign", "campaigns", "contacts", "overview"]
