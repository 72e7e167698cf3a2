"""CSV export of recipients who did not receive a campaign."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from accounts.models import BusinessProfile
from campaigns import reason_labels, selectors
from campaigns.models import Campaign
from core.files import spreadsheets


class _Echo:
    """File-like object for the csv module; returns what is written."""

    def write(self, text: str) -> str:
        return text


def missed(business: BusinessProfile, campaign: Campaign) -> Iterator[str]:
    """Yield CSV lines (name, number, status, reason) of the recipients who surely received no message."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(["Name", "Number", "State", "Reason"])
    rows = selectors.recipients(business, campaign, "missed").prefetch_related("contact")
    for recipient in rows.iterator(chunk_size=1000):
        if recipient.contact is None:
            continue
        cells = [
            recipient.contact.display_name,
            recipient.contact.phone_number or "",
            recipient.get_status_display(),
            reason_labels.of_recipient(recipient.reason) if recipient.reason else "",
        ]
        yield writer.writerow([spreadsheets.escape(cell) for cell in cells])
