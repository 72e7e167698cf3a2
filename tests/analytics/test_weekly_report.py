"""The weekly report: who gets it, when, and once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from unittest import mock

import pytest
from django.core import mail

from accounts.models import BusinessProfile, Membership, User
from analytics.models import ReportSubscription
from analytics.services import weekly_report
from messaging.models import Conversation
from tests import factories

MONDAY = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)


def send(moment: datetime = MONDAY) -> int:
    with mock.patch.object(weekly_report, "now", return_value=moment):
        return weekly_report.send_due()


@pytest.fixture
def subscription(business: BusinessProfile, viewer: User) -> ReportSubscription:
    membership = Membership.objects.get(business_profile=business, user=viewer)
    return ReportSubscription.objects.create(membership=membership, sent_week=date(2026, 2, 23))


def test_on_monday_morning_last_week_is_told(
    subscription: ReportSubscription, conversation: Conversation, viewer: User
) -> None:
    factories.MessageFactory(conversation=conversation, created_at=datetime(2026, 3, 4, 12, tzinfo=UTC))
    assert send() == 1
    [message] = mail.outbox
    assert message.to == [viewer.email]
    assert message.subject == "Blue Bakery: 2 Mar to 8 Mar"
    assert "Received: 1" in message.body
    assert "/analytics/?from=2026-03-02&to=2026-03-08" in message.body


def test_it_is_told_once_however_often_the_task_runs(subscription: ReportSubscription) -> None:
    assert [send(), send(), send()] == [1, 0, 0]
    assert len(mail.outbox) == 1


def test_before_seven_in_the_business_s_morning_nothing_leaves(
    subscription: ReportSubscription, business: BusinessProfile
) -> None:
    BusinessProfile.objects.filter(pk=business.pk).update(time_zone="America/New_York")
    assert send() == 0, "it is half past three there"
    assert send(datetime(2026, 3, 9, 11, 30, tzinfo=UTC)) == 1


def test_a_week_in_which_nothing_ran_is_made_up_for_with_the_last_one(
    subscription: ReportSubscription,
) -> None:
    assert send(datetime(2026, 3, 19, 12, tzinfo=UTC)) == 1
    assert "9 Mar to 15 Mar" in mail.outbox[0].subject


def test_a_mail_that_was_refused_is_tried_again(
    subscription: ReportSubscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(weekly_report, "send_mail", mock.Mock(side_effect=OSError("no mail server")))
        assert send() == 0
    assert send() == 1


def test_of_two_workers_one_sends(subscription: ReportSubscription) -> None:
    stale = ReportSubscription.objects.get()
    assert send() == 1
    assert not weekly_report._claim(stale, stale.sent_week, date(2026, 3, 2))


def test_who_left_the_team_gets_nothing(subscription: ReportSubscription, viewer: User) -> None:
    Membership.objects.filter(user=viewer).delete()
    assert send() == 0


def test_who_was_switched_off_gets_nothing(subscription: ReportSubscription, viewer: User) -> None:
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    assert send() == 0


def test_a_deleted_business_reports_nothing(
    subscription: ReportSubscription, business: BusinessProfile
) -> None:
    BusinessProfile.objects.filter(pk=business.pk).update(deleted_at=MONDAY)
    assert send() == 0
