"""Audience snapshot: insert the recipients when a campaign starts, in one statement."""

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


def take(campaign: Campaign, moment: datetime) -> dict[str, int]:
    """Insert a recipient for every targeted contact, with the reason for excluded ones.

    Returns the number of included (key "") and excluded contacts by reason. Must be called in the transaction that
    starts the campaign, once: an existing recipient violates the unique constraint and rolls it back. Keys are
    version-7 UUIDs in the order of the contacts, so that both indexes grow at their ends.
    """
    contacts = audience.with_reason(campaign, moment).order_by().values("id", "reason")
    try:
        sql, params = contacts.query.sql_with_params()
    except EmptyResultSet:  # the audience cannot match anybody, for example because its segment is deleted
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
    values = [head, tail, campaign.pk, moment, *params]
    if postgres:
        counting = (
            f"WITH written AS ({insert} RETURNING reason) SELECT reason, count(*) FROM written GROUP BY 1"  # noqa: S608
        )
        return dict(bulk.fetch(counting, values))
    bulk.fetch(insert, values)
    rows = CampaignRecipient.objects.filter(campaign=campaign).order_by().values_list("reason")
    return dict(rows.annotate(models.Count("pk")))


def _key_parts() -> tuple[str, str]:
    """Return the parts of a new version-7 UUID before and after the seven digits of the row number."""
    digits = uuid7().hex
    return digits[:17], digits[24:]
