"""The pages: list, builder, preview, dry run, live page, ledger, templates, pacing."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Campaign, MessageTemplate
from messaging.models import Message
from messaging.services import pace
from tests.campaigns.conftest import launched, send, send_all

FORM = {
    "name": "Spring sale",
    "message_content": "Hello {{name|there}}, *20 %* off",
    "target_type": "all",
    "timing": "now",
    "expire_hours": "3",
}


@pytest.fixture
def browser(client_of, owner):
    return client_of(owner)


def address(name, campaign):
    return reverse(f"campaigns:{name}", args=[campaign.pk])


def test_a_draft_is_written_dry_run_and_launched(browser, number, crowd, business):
    answer = browser.post(reverse("campaigns:create"), {**FORM, "connections": [number.pk]})
    campaign = Campaign.objects.get()
    assert answer.url == address("detail", campaign)

    page = browser.get(address("dry_run", campaign)).content.decode()
    assert "30</span> people get it" in page

    browser.post(address("launch", campaign))
    campaign.refresh_from_db()
    assert (campaign.status, campaign.total_recipients) == ("sending", 30)


def test_the_builder_says_what_is_wrong_and_keeps_what_was_typed(browser, number):
    answer = browser.post(reverse("campaigns:create"), {**FORM, "name": "", "connections": [number.pk]})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    assert "20 %" in answer.content.decode()


def test_the_preview_shows_real_people_and_leaves_unknown_variables_as_text(browser, number, crowd):
    answer = browser.post(
        reverse("campaigns:preview"), {**FORM, "message_content": "Dear {{name}} {{settings}} *bold*"}
    ).content.decode()
    assert "Dear Person" in answer
    assert "{{settings}}" in answer
    assert "<strong>bold</strong>" in answer


def test_the_count_follows_what_is_chosen(browser, number, crowd, business):
    crowd[0].opted_out_at = crowd[0].created_at
    crowd[0].save()
    answer = browser.post(reverse("campaigns:audience"), FORM).content.decode()
    assert "29</span> people" in answer
    assert "1 opted out" in answer


def test_pasted_numbers_become_the_audience_and_mistakes_are_counted(browser, number, business):
    lines = "+999 300 000 0001\n+9993000000001\nnot a number\n+9993000000002"
    browser.post(
        reverse("campaigns:create"),
        {**FORM, "target_type": "custom", "numbers": lines, "connections": [number.pk]},
    )
    campaign = Campaign.objects.get()
    assert campaign.people.count() == 2
    assert campaign.list_summary == {"lines": 4, "invalid": 1, "repeated": 1, "examples": ["not a number"]}
    page = browser.get(address("dry_run", campaign)).content.decode()
    assert "Twice on your list" in page
    assert "1 lines of your list are no phone numbers" in page


def test_the_live_page_shows_the_funnel_and_asks_the_same_number_of_queries_at_any_size(
    browser, draft, crowd, lease, django_assert_max_num_queries
):
    campaign = launched(draft())
    send(lease, 10)
    with django_assert_max_num_queries(20):
        page = browser.get(address("detail", campaign)).content.decode()
    assert "10 of 30 done" in page
    assert "messages a minute" in page


def test_the_ledger_is_filtered_and_searched(browser, draft, crowd, lease):
    campaign = launched(draft())
    send(lease, 10)
    sent = browser.get(address("recipients", campaign) + "?state=sent").content.decode()
    assert sent.count("<tr>") == 11
    found = browser.get(address("recipients", campaign) + "?q=Person 07").content.decode()
    assert found.count("<tr>") == 2
    assert "Person 07" in found


def test_pause_resume_and_cancel_from_the_page(browser, draft, crowd, lease):
    campaign = launched(draft())
    for action, status in (("pause", "paused"), ("resume", "sending"), ("cancel", "cancelled")):
        browser.post(address(action, campaign))
        campaign.refresh_from_db()
        assert campaign.status == status
    page = browser.post(address("resume", campaign), follow=True).content.decode()
    assert "Only a paused campaign can be resumed" in page


def test_who_missed_it_comes_as_csv_and_as_a_new_audience(browser, draft, crowd, lease, business):
    from connections.ports import Refused

    crowd[3].name = "=cmd()"
    crowd[3].save()
    campaign = launched(draft())
    send_all_but_one(campaign, lease, crowd[3], Refused("refused"))

    csv = b"".join(browser.get(address("missed_csv", campaign)).streaming_content).decode()
    assert csv.splitlines()[1].startswith("'=cmd()")
    browser.post(address("target_missed", campaign))
    again = Campaign.objects.exclude(pk=campaign.pk).get()
    assert list(again.people.values_list("contact_id", flat=True)) == [crowd[3].pk]


def send_all_but_one(campaign, lease, unlucky, outcome):
    from connections.drivers.base import AckLevel
    from connections.ports import Delivered
    from whatsflow.core.clock import now

    send(
        lease,
        100,
        lambda message: outcome if message.contact_id == unlucky.pk else Delivered(now(), AckLevel.SENT),
    )
    send_all(campaign, lease)
    assert campaign.status == "completed"


def test_templates_are_kept_and_used(browser, business):
    browser.post(reverse("campaigns:template_create"), {"name": "Hello", "content": "Hi {{name}}"})
    template = MessageTemplate.objects.get()
    page = browser.get(reverse("campaigns:create") + f"?template={template.pk}").content.decode()
    assert "Hi {{name}}" in page
    again = browser.post(reverse("campaigns:template_create"), {"name": "Hello", "content": "x"})
    assert (again.status_code, "There is a template of this name" in again.content.decode()) == (422, True)
    browser.post(reverse("campaigns:template_delete", args=[template.pk]))
    assert not MessageTemplate.objects.exists()


def test_pacing_is_changed_on_the_numbers_page(browser, connection):
    url = reverse("campaigns:pacing", args=[connection.pk])
    assert "Pacing" in browser.get(reverse("connections:detail", args=[connection.pk])).content.decode()
    figures = {"gap_min": 5, "gap_max": 9, "burst": 3, "hourly": 40, "daily": 200, "cold_daily": 20}
    hours = {"window_enabled": "on", "window_start": "08:30", "window_end": "18:00", "weekdays": ["0", "1"]}
    given = {"enabled": "on", "warm_up": "on", "marketing_hours": 48, **figures, **hours}
    browser.post(url, given)
    connection.refresh_from_db()
    settings = pace.settings_of(connection)
    assert (settings.gap_max, settings.hourly, settings.window_start, settings.weekdays) == (
        9,
        40,
        510,
        (0, 1),
    )
    assert settings.warm_up == ((3, 25), (6, 100), (10, 250))
    wrong = browser.post(url, {**given, "gap_min": "30"})
    assert (wrong.status_code, "shorter than the shortest" in wrong.content.decode()) == (422, True)


def test_a_test_goes_to_oneself_and_does_not_count(browser, draft, crowd, lease):
    campaign = draft()
    browser.post(address("test", campaign), {"phone": "+999 400 000 0001"})
    (message,) = send(lease)
    assert message.content == "Hello there"
    campaign.refresh_from_db()
    assert (campaign.status, campaign.sent_count) == ("draft", 0)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("who", ["teammate", "viewer"])
def test_agents_and_viewers_may_look_but_not_send(who, request, client_of, draft, crowd):
    campaign = draft()
    browser = client_of(request.getfixturevalue(who))
    assert browser.get(address("detail", campaign)).status_code == 200
    for action in ("launch", "pause", "resume", "cancel", "retry", "duplicate", "test", "delete"):
        assert browser.post(address(action, campaign)).status_code == 403
    campaign.refresh_from_db()
    assert campaign.status == "draft"
