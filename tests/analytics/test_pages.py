"""The pages of figures: what they show, whom, how they are exported, and what they cost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import BusinessProfile, User
from analytics.aggregates import rollup
from analytics.models import ReportSubscription
from analytics.services import rfm
from messaging.models import Conversation
from messaging.services import conversations
from tests import factories

SignIn = Callable[..., Client]
PAGES = ("/analytics/", "/analytics/contacts/", "/analytics/campaigns/")


def cells(html: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(html.decode("utf-8-sig"))))


@pytest.fixture
def week(business: BusinessProfile, conversation: Conversation, teammate: User) -> Conversation:
    """Three questions in the last week, two of them answered by the teammate."""
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    for days, wait in ((1, 60), (2, 600), (3, None)):
        asked = noon - timedelta(days=days)
        factories.MessageFactory(conversation=conversation, created_at=asked)
        if wait:
            factories.MessageFactory(
                conversation=conversation,
                outbound=True,
                sender=teammate,
                status="read",
                created_at=asked + timedelta(seconds=wait),
            )
    return conversation


@pytest.mark.parametrize("page", PAGES)
def test_a_new_business_sees_an_empty_page_with_a_way_on(
    page: str, owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    html = client_of(owner).get(page).content.decode()
    assert "wf-empty" in html
    assert "data-chart=" not in html


def test_the_overview_shows_what_happened(week: Conversation, viewer: User, client_of: SignIn) -> None:
    html = client_of(viewer).get("/analytics/?range=7").content.decode()
    assert "Tim Teammate" in html
    assert "median; 90 % within" in html
    assert 'data-chart="bar"' in html
    assert '<svg class="wf-spark"' in html


def test_a_group_leads_to_its_contacts(
    week: Conversation, business: BusinessProfile, owner: User, client_of: SignIn
) -> None:
    rfm.regroup(business)
    client = client_of(owner)
    html = client.get("/analytics/contacts/").content.decode()
    found = re.findall(r'<th scope="row" dir="auto"><a href="([^"]+group=new)">New</a></th>', html)
    assert week.contact.display_name in client.get(found[0]).content.decode()


def test_htmx_gets_the_figures_alone(week: Conversation, owner: User, client_of: SignIn) -> None:
    response = client_of(owner).get("/analytics/", headers={"HX-Request": "true"})
    assert b"<html" not in response.content
    assert b"wf-tiles" in response.content


def test_the_figures_are_the_same_before_and_after_the_roll_up(
    week: Conversation, owner: User, client_of: SignIn
) -> None:
    client = client_of(owner)
    before = client.get("/analytics/export.csv?range=7").content
    rollup.roll_up()
    assert client.get("/analytics/export.csv?range=7").content == before
    received = [row[1] for row in cells(before)[1:]]
    assert received.count("1") == 3


def test_the_export_says_which_answers_took_how_long(
    week: Conversation, owner: User, client_of: SignIn
) -> None:
    rows = cells(client_of(owner).get("/analytics/export.csv?range=7&table=agents").content)
    assert rows[0][:5] == ["Person", "Sent", "Answers", "Median (seconds)", "90 % within (seconds)"]
    # The question of the day before was still waiting: its day counts to the first answer after it.
    assert rows[1][:3] == ["Tim Teammate", "2", "2"]


def test_nothing_in_the_export_is_a_formula(
    week: Conversation, teammate: User, owner: User, client_of: SignIn
) -> None:
    User.objects.filter(pk=teammate.pk).update(full_name="=cmd|' /C calc'!A0")
    rows = cells(client_of(owner).get("/analytics/export.csv?range=7&table=agents").content)
    assert rows[1][0].startswith("'=cmd")


@pytest.mark.parametrize(
    "table",
    [
        "days",
        "messages",
        "people",
        "answers",
        "types",
        "numbers",
        "hours",
        "growth",
        "cohorts",
        "tags",
        "groups",
        "campaigns",
    ],
)
def test_every_table_can_be_exported(table: str, week: Conversation, owner: User, client_of: SignIn) -> None:
    response = client_of(owner).get(f"/analytics/export.csv?table={table}")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith(f'attachment; filename="whatsflow-{table}-')
    assert cells(response.content)[0]


@pytest.mark.parametrize(
    "query",
    [
        "range=forever",
        "range=custom&from=x",
        "from=2026-03-02&to=2026-03-01",
        "from=2000-01-01&to=2026-01-01",
        "group=hour",
    ],
)
@pytest.mark.parametrize("page", PAGES)
def test_a_range_that_is_none_is_refused(
    page: str, query: str, owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    assert client_of(owner).get(f"{page}?{query}").status_code == 422


def test_an_unknown_table_is_refused(owner: User, business: BusinessProfile, client_of: SignIn) -> None:
    assert client_of(owner).get("/analytics/export.csv?table=secrets").status_code == 422


def test_another_business_shows_nowhere(
    week: Conversation, stranger: User, other_business: BusinessProfile, client_of: SignIn
) -> None:
    html = client_of(stranger).get("/analytics/").content.decode()
    assert "Tim Teammate" not in html
    assert "wf-empty" in html


def test_closing_counts_from_the_first_question(
    business: BusinessProfile, week: Conversation, teammate: User, owner: User, client_of: SignIn
) -> None:
    conversations.close(business, week, teammate)
    conversations.close(business, week, teammate)
    rows = cells(client_of(owner).get("/analytics/export.csv?range=7&table=agents").content)
    closed, seconds = rows[1][5], int(rows[1][6])
    assert closed == "1", "closing twice is closing once"
    asked = datetime.now(ZoneInfo("UTC")).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(
        days=3
    )
    assert abs(seconds - (timezone.now() - asked).total_seconds()) < 60


def test_a_member_chooses_the_report_and_ends_it(
    viewer: User, business: BusinessProfile, client_of: SignIn
) -> None:
    client = client_of(viewer)
    client.post("/analytics/report/", {"wanted": "yes"})
    client.post("/analytics/report/", {"wanted": "yes"})
    assert ReportSubscription.objects.get().membership.user == viewer
    assert "Weekly report: on" in client.get("/analytics/").content.decode()
    client.post("/analytics/report/", {"wanted": "no"})
    assert not ReportSubscription.objects.exists()


def test_the_pages_cost_the_same_queries_whatever_there_is_to_count(
    week: Conversation,
    business: BusinessProfile,
    owner: User,
    client_of: SignIn,
    django_assert_max_num_queries: Callable,
) -> None:
    rollup.roll_up()
    client = client_of(owner)
    with django_assert_max_num_queries(30):
        client.get("/analytics/?range=7")
    for number in range(12):
        talk = factories.ConversationFactory(business_profile=business)
        factories.MessageFactory(conversation=talk, created_at=timezone.now() - timedelta(days=number % 5))
        factories.MessageFactory(conversation=talk, outbound=True)
    rollup.roll_up()
    with django_assert_max_num_queries(30):
        client.get("/analytics/?range=7")
    with django_assert_max_num_queries(38):
        client.get("/analytics/contacts/?range=90")
