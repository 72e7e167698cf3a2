"""Figures by the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import BusinessProfile
from campaigns.models import Campaign
from messaging.models import Conversation
from tests import factories

pytestmark = pytest.mark.services

RANGE = "from=2026-03-02&to=2026-03-08"


@pytest.fixture
def question(conversation: Conversation, teammate: Any) -> Conversation:
    """Asked on Tuesday a quarter of an hour before midnight (UTC), answered a quarter of an hour after it."""
    asked = datetime(2026, 3, 3, 23, 45, tzinfo=UTC)
    factories.MessageFactory(conversation=conversation, created_at=asked)
    answered = datetime(2026, 3, 4, 0, 15, tzinfo=UTC)
    factories.MessageFactory(
        conversation=conversation, created_at=answered, outbound=True, sender=teammate, status="read"
    )
    return conversation


def test_get_analytics_overview_tells_the_range_and_the_one_before(
    program: Any, question: Conversation
) -> None:
    answer = program.get(f"analytics/overview?{RANGE}")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["period"] == {"from": "2026-03-02", "to": "2026-03-08", "timezone": "UTC"}
    assert data["previousPeriod"]["from"] == "2026-02-23"
    assert data["current"]["messagesReceived"] == 1
    assert data["current"]["firstResponse"] == {"count": 1, "medianSeconds": 1800, "p90Seconds": 1800}
    assert data["current"]["readRate"] == 1.0
    assert data["previous"]["messagesReceived"] == 0
    assert [row["name"] for row in data["agents"]] == ["Tim Teammate"]
    assert len(data["series"]) == 7


def test_get_analytics_messages_by_the_days_and_hours_of_a_time_zone(
    program: Any, question: Conversation
) -> None:
    answer = program.get(f"analytics/messages?{RANGE}&timezone=Asia/Kathmandu")
    data = answer.json()["data"]
    by_day = {piece["begins"]: piece["figures"]["messagesReceived"] for piece in data["series"]}
    assert by_day["2026-03-04"] == 1
    assert data["busyHours"][2][5] == 1, "Wednesday, half past five"


def test_pieces_may_be_weeks_or_months(program: Any, question: Conversation) -> None:
    for group, count in (("week", 1), ("month", 1), ("day", 7)):
        data = program.get(f"analytics/overview?{RANGE}&groupBy={group}").json()["data"]
        assert data["groupBy"] == group
        assert len(data["series"]) == count


def test_get_analytics_contacts_tells_growth_and_who_stays(program: Any, question: Conversation) -> None:
    data = program.get("analytics/contacts").json()["data"]
    assert data["total"] == 1
    assert data["growth"][-1]["total"] == 1
    assert data["cohorts"][-1]["size"] in (0, 1)


def test_get_analytics_campaigns_id(program: Any, business: BusinessProfile) -> None:
    made = Campaign.objects.create(
        business_profile=business,
        name="Spring",
        sent_count=10,
        delivered_count=8,
        read_count=5,
        replied_count=2,
    )
    data = program.get(f"analytics/campaigns/{made.pk}").json()["data"]
    assert (data["sent"], data["deliveryRate"], data["replyRate"]) == (10, 0.8, 0.2)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("from=yesterday", "invalid_date", "from"),
        ("from=2026-03-08&to=2026-03-02", "range_backwards", "to"),
        ("from=2010-01-01&to=2026-01-01", "range_too_long", "from"),
        ("timezone=Mars/Olympus", "unknown_time_zone", "timezone"),
    ],
)
def test_what_is_wrong_with_a_range_is_named(
    query: str, code: str, field: str, program: Any, business: BusinessProfile
) -> None:
    answer = program.get(f"analytics/overview?{query}")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == code
    assert field in str(error)
