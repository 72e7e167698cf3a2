"""Lines of the ledger as CSV that no spreadsheet takes for formulas."""

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
    """Name, number, state and reason of everybody who surely did not get it."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(["Name", "Number", "State", "Reason"])
    rows = selectors.recipients(business, campaign, "missed").prefetch_related("contact")
    for line in rows.iterator(chunk_size=1000):
        if line.contact is None:
            continue
        cells = [line.contact.display_name, line.contact.phone_number or "", line.get_status_display()]
        yield writer.writerow(
            [plain(cell) for cell in [*cells, reason_labels.of_recipient(line.reason) if line.reason else ""]]
        )


def plain(cell: Any) -> str:
    """Text that stays text in a spreadsheet; a leading blank hides nothing. Numbers in E.164 stay as they are."""
    text = str(cell)
    lead = text.lstrip()
    if lead.startswith(_FORMULA) and not (text[0] == "+" and text[1:].isdigit()):
        return f"'{text}"
    return text
