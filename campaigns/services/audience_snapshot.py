"""The audience is written down once, when a campaign starts, by one statement in the database."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection as database
from django.db import models

from campaigns import audience
from campaigns.models import Campaign, CampaignRecipient
from core.db import bulk
from core.ids import uuid7

_COLUMNS = ("id", "campaign_id", "contact_id", "status", "reason", "error_message", "variant", "created_at")

_KEY_POSTGRES = "(%s || lpad(to_hex(row_number() OVER (ORDER BY people.id)), 7, '0') || %s)::uuid"
_KEY_SQLITE = "%s || printf('%%07x', row_number() OVER (ORDER BY people.id)) || %s"
_INSERT = """
INSERT INTO campaign_recipients ({columns})
SELECT {key}, {campaign}, people.id, CASE WHEN people.reason = '' THEN 'pending' ELSE 'skipped' END,
    people.reason, '', '', {moment}
FROM ({people}) AS people
"""


def freeze(campaign: Campaign, moment: datetime) -> dict[str, int]:
    """Write a line for everybody whom the campaign means, with the reason for those who are left out.

    Returns how many are in (key "") and out for each reason. Inside the transaction that starts the campaign, which
    nobody does twice: a line that is there already is an error of ours and undoes it. Keys are version-7 UUIDs that
    rise with the contacts', so that both indexes grow at their ends.
    """
    people = audience.judged(campaign, moment).order_by().values("id", "reason")
    try:
        sql, given = people.query.sql_with_params()
    except EmptyResultSet:  # no condition of the audience can hold: its segment is gone, say
        return {}
    head, tail = _key_parts()
    postgres = database.vendor == "postgresql"
    insert = _INSERT.format(
        columns=", ".join(_COLUMNS),
        key=_KEY_POSTGRES if postgres else _KEY_SQLITE,
        campaign="%s::uuid" if postgres else "%s",
        moment="%s::timestamptz" if postgres else "%s",
        people=sql,
    )
    values = [head, tail, campaign.pk, moment, *given]
    if postgres:
        counted = (
            f"WITH written AS ({insert} RETURNING reason) SELECT reason, count(*) FROM written GROUP BY 1"  # noqa: S608
        )
        return dict(bulk.fetch(counted, values))
    bulk.fetch(insert, values)
    rows = CampaignRecipient.objects.filter(campaign=campaign).order_by().values_list("reason")
    return dict(rows.annotate(models.Count("pk")))


def _key_parts() -> tuple[str, str]:
    """What stands before and after the seven digits of a line's number: a fresh version-7 UUID without them."""
    digits = uuid7().hex
    return digits[:17], digits[24:]
