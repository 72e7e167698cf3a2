"""The pages: list, builder, preview, dry run, live page, ledger, templates, pacing."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from campaigns import selectors
from campaigns.models import Campaign, CampaignRecipient, MessageTemplate
from connections.drivers.base import AckLevel, Chat
from contacts.models import Contact
from contacts.services import consent
from contacts.services.contacts import delete as delete_contact
from core.clock import now
from messaging.inbound import receiver
from messaging.models import Message
from messaging.outbox import pacing_settings
from messaging.outbox.types import Delivered, Refused
from tests import factories
from tests.campaigns.conftest import launched, send, send_all
from tests.messaging.helpers import hello

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
    assert ">1</strong> <span>Opted out" in answer


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
    assert "1 line of your list is no phone number" in page


def counted_live(browser, **given):
    """What the page says while one types: (people, reasons)."""
    answer = browser.post(
        reverse("campaigns:audience") + given.pop("query", ""), {**FORM, **given}
    ).content.decode()
    total = re.search(r"wf-amount wf-number\">(\d+)<", answer)
    return int(total[1]) if total else None, re.findall(r"(\d+)</strong> <span>([^<]+)<", answer)


def test_a_list_is_counted_while_it_is_pasted_and_makes_nobody_a_contact(
    browser, number, crowd, business, owner
):
    delete_contact(business, [opted_out(business, crowd[1]).pk], owner)
    opted_out(business, crowd[0])
    lines = "\n".join(
        [*(one.phone_number for one in crowd[:3]), crowd[2].phone_number, "+9993000009999", "hello"]
    )
    before = Contact.objects.count()
    assert counted_live(browser, target_type="custom", numbers=lines) == (
        2, [("2", "Opted out"), ("1", "The same person twice"), ("1", "Not a phone number")],
    )  # fmt: skip
    assert Contact.objects.count() == before
    assert counted_live(browser, target_type="custom", numbers="") == (None, [])


def opted_out(business, person):
    consent.opt_out(business, [person.pk], how="team")
    return person


def test_the_list_of_a_draft_counts_while_nothing_takes_its_place(browser, number, draft, crowd):
    campaign = draft(numbers=[crowd[0].phone_number, crowd[1].phone_number])
    query = f"?campaign={campaign.pk}"
    assert counted_live(browser, target_type="custom", query=query) == (2, [])
    assert counted_live(browser, target_type="custom", numbers=crowd[5].phone_number, query=query) == (1, [])


def test_the_count_knows_the_one_a_day_rule_of_the_chosen_number(
    browser, number, draft, crowd, lease, business
):
    pacing_settings.change(business, number, None, {"marketing_hours": 24})
    send_all(launched(draft(numbers=[crowd[0].phone_number])), lease)
    assert counted_live(browser, connections=[str(number.pk)]) == (
        29, [("1", "Had another campaign in the last hours")],
    )  # fmt: skip


def test_an_uploaded_file_of_numbers_becomes_the_audience(browser, number, business):
    file = SimpleUploadedFile(
        "people.csv", '\ufeffnumber;name\r\n"+9993000000001";Ann\n+9993000000002;Bo\n'.encode()
    )
    given = {**FORM, "target_type": "custom", "numbers_file": file, "connections": [number.pk]}
    browser.post(reverse("campaigns:create"), given)
    campaign = Campaign.objects.get()
    assert sorted(campaign.people.values_list("contact__phone_number", flat=True)) == [
        "+9993000000001", "+9993000000002",
    ]  # fmt: skip
    assert campaign.list_summary["invalid"] == 1


def test_a_file_stays_in_the_preview_while_one_types_and_is_sent(
    browser, number, crowd, lease, media_root, business, settings
):
    picture = BytesIO()
    Image.new("RGB", (20, 10), "red").save(picture, "PNG")
    upload = SimpleUploadedFile("plate.png", picture.getvalue())
    browser.post(reverse("campaigns:create"), {**FORM, "upload": upload, "connections": [number.pk]})
    campaign = Campaign.objects.get()
    again = {**FORM, "attachment": campaign.media_id, "message_content": "*New*"}
    shown = browser.post(reverse("campaigns:preview"), again).content.decode()
    assert "<strong>New</strong>" in shown
    assert reverse("messaging:thumbnail", args=[campaign.media_id]) in shown
    without = browser.post(reverse("campaigns:preview"), {**again, "remove_media": "on"}).content.decode()
    assert "<img" not in without
    template = MessageTemplate.objects.create(
        business_profile=business, name="T", content="x", media=campaign.media
    )
    page = browser.get(reverse("campaigns:create") + f"?template={template.pk}").content.decode()
    assert "plate.png" in page

    launched(campaign)
    message = send(lease, 1)[0]
    assert (message.message_type, message.media_id) == ("image", campaign.media_id)


def test_answers_and_messages_of_a_campaign_say_so_in_the_chat(browser, draft, crowd, lease):
    campaign = launched(draft(name="Spring <sale>"))
    message = send(lease, 1)[0]
    receiver.receive(lease, [hello("IN1", Chat(phone=message.contact.phone_number), "Yes")])
    page = browser.get(reverse("messaging:conversation", args=[message.conversation_id])).content.decode()
    link = f'<a href="{address("detail", campaign)}" dir="auto">Spring &lt;sale&gt;</a>'
    assert f"Campaign {link}" in page
    assert f"Answer to {link}" in page


def test_the_page_says_why_it_stopped_and_how_to_go_on(browser, draft, crowd, lease):
    campaign = launched(draft())
    send(lease, 3, lambda message: Refused("refused", "Sorry."))
    page = browser.get(address("detail", campaign)).content.decode()
    assert "three failures in a row" in page
    assert "press Resume, then Retry failed" in page
    ledger = browser.get(address("recipients", campaign) + "?state=failed").content.decode()
    assert "WhatsApp refused it: Sorry." in ledger


def test_each_number_and_variant_is_told_apart(browser, draft, crowd, lease, number, business):
    second = factories.ConnectionFactory(
        business_profile=business, phone_number="+9991000000002", name="Branch", settings=number.settings
    )
    texts = [{"content": "A", "share": 50}, {"content": "B", "share": 50}]
    campaign = launched(draft(connections=[number, second], variants=texts))
    mine = CampaignRecipient.objects.filter(campaign=campaign, connection=number).count()
    send(lease, 100)
    campaign.refresh_from_db()
    shown = selectors.progress(campaign)
    assert {one.label: one.counters["sent_count"] for one in shown.numbers} == {
        number.display_name: mine,
        "Branch": 0,
    }
    assert {one.label: one.counters["open_count"] for one in shown.numbers}["Branch"] == 30 - mine
    assert sum(one.counters["sent_count"] for one in shown.variants) == mine
    page = browser.get(address("detail", campaign)).content.decode()
    for words in ("Branch", "Variant A", "Variant B"):
        assert words in page


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


def test_a_campaign_is_kept_as_a_template_with_its_file(browser, draft, business):
    file = factories.MediaFileFactory(business_profile=business)
    campaign = draft(media=file)
    url = reverse("campaigns:template_create") + f"?campaign={campaign.pk}"
    assert "picture.png" in browser.get(url).content.decode()
    browser.post(url, {"name": "Spring", "content": "Hello"})
    assert MessageTemplate.objects.get().media == file


def test_a_change_takes_it_off_the_schedule_and_says_so(browser, draft, crowd, business, number):
    campaign = draft(timing="repeat", cron="0 9 * * 1")
    browser.post(address("launch", campaign))
    assert "Every Monday at 09:00" in browser.get(address("detail", campaign)).content.decode()
    page = browser.post(
        address("edit", campaign), {**FORM, "connections": [number.pk]}, follow=True
    ).content.decode()
    assert "taken off the schedule" in page
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_pacing_is_changed_on_the_numbers_page(browser, connection):
    url = reverse("campaigns:pacing", args=[connection.pk])
    assert "Pacing" in browser.get(reverse("connections:detail", args=[connection.pk])).content.decode()
    figures = {"gap_min": 5, "gap_max": 9, "burst": 3, "hourly": 40, "daily": 200, "cold_daily": 20}
    hours = {"window_enabled": "on", "window_start": "08:30", "window_end": "18:00", "weekdays": ["0", "1"]}
    given = {"enabled": "on", "warm_up": "on", "marketing_hours": 48, **figures, **hours}
    browser.post(url, given)
    connection.refresh_from_db()
    settings = pacing_settings.settings_of(connection)
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
