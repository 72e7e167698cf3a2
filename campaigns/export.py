"""CSV export of recipients who did not receive a campaign."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from accounts.models import BusinessProfile
from campaigns import reason_labels, selectors
from campaigns.models import Campaign

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|")


class _Echo:
    """What the csv module takes for a file: gives back what is written."""

    def write(self, text: str) -> str:
        return text


def missed(business: BusinessProfile, campaign: Campaign) -> Iterator[str]:
    """Yield CSV lines (name, number, status, reason) of the recipients who surely did not receive it."""
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
        ]
        yield writer.writerow(
            [
                plain(cell)
                for cell in [*cells, reason_labels.of_recipient(recipient.reason) if recipient.reason else ""]
            ]
        )


def plain(cell: Any) -> str:
    """Text that stays text in a spreadsheet; a leading blank hides nothing. Numbers in E.164 stay as they are."""
    text = str(cell)
    lead = text.lstrip()
    if lead.startswith(_FORMULA) and not (text[0] == "+" and text[1:].isdigit()):
        return f"'{text}"
    return text
