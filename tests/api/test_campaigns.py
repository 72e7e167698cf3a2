"""Campaigns by the API: one test for each operation, and what is special."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from campaigns.models import Campaign
from campaigns.public_events import campaign_data
from campaigns.services import drafts
from messaging.outbox import pacing_settings
from tests import factories
from tests.campaigns.conftest import lease, number, send_all  # noqa: F401
from tests.campaigns.conftest import no_worker as no_worker
from tests.campaigns.test_run import counted
from webhooks.models import PublicEvent

BODY = {"name": "Spring", "messageContent": "Hello {{name|there}}"}


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def vip(business):
    return factories.TagFactory(business_profile=business, name="VIP")


@pytest.fixture
def people(business):
    return [factories.ContactFactory(business_profile=business) for _ in range(5)]


@pytest.fixture
def draft(business, number):  # noqa: F811
    return drafts.create(business, None, {"name": "Autumn", "message_content": "Hi", "connections": [number]})


def test_post_campaigns(program, number, people):  # noqa: F811
    made = data(program.post("campaigns", BODY), 201)
    assert (made["status"], made["targetType"], made["totalRecipients"]) == ("draft", "all", 0)
    assert made["connectionIds"] == [str(number.pk)]
    assert Campaign.objects.get().message_content == BODY["messageContent"]


def test_get_campaigns(program, business, draft, django_assert_num_queries):
    later = Campaign.objects.create(business_profile=business, name="Later", status="completed")
    program.get("campaigns")
    with django_assert_num_queries(3):  # the key, the page, its numbers
        answer = program.get("campaigns")
    assert [row["name"] for row in data(answer)] == ["Later", "Autumn"]
    assert [row["id"] for row in data(program.get("campaigns?status=completed"))] == [str(later.pk)]
    assert [row["name"] for row in data(program.get("campaigns?order=createdAt"))] == ["Autumn", "Later"]


def test_get_campaigns_id(program, draft):
    row = data(program.get(f"campaigns/{draft.pk}"))
    assert (row["name"], row["status"], row["sentCount"]) == ("Autumn", "draft", 0)


def test_put_campaigns_id(program, draft, vip):
    sent = {**BODY, "excludeTags": [str(vip.pk)], "excludeNeverWrote": True}
    row = data(program.put(f"campaigns/{draft.pk}", sent))
    assert (row["name"], row["excludeTags"], row["excludeNeverWrote"]) == ("Spring", [str(vip.pk)], True)
    row = data(program.put(f"campaigns/{draft.pk}", BODY))
    assert (row["excludeTags"], row["excludeNeverWrote"]) == ([], False)


def test_patch_campaigns_id(program, draft, vip):
    draft.exclusions = {"tags": [str(vip.pk)]}
    draft.save()
    row = data(program.patch(f"campaigns/{draft.pk}", {"name": "Late autumn", "excludeNeverWrote": True}))
    assert (row["name"], row["messageContent"]) == ("Late autumn", "Hi")
    assert (row["excludeTags"], row["excludeNeverWrote"]) == ([str(vip.pk)], True)
    seen = program.get(f"campaigns/{draft.pk}")["ETag"]
    program.patch(f"campaigns/{draft.pk}", {"name": "Winter"})
    assert program.patch(f"campaigns/{draft.pk}", {"name": "x"}, if_match=seen).status_code == 412


def test_delete_campaigns_id(program, draft):
    assert program.delete(f"campaigns/{draft.pk}").status_code == 204
    assert program.get(f"campaigns/{draft.pk}").status_code == 404
    assert not Campaign.objects.exists()


def test_the_shape_is_that_of_events(program, number):  # noqa: F811
    made = data(program.post("campaigns", BODY), 201)
    assert campaign_data(Campaign.objects.get()) == made


def test_post_campaigns_id_send_pause_resume_and_what_became_of_it(program, number, people, lease):  # noqa: F811
    key = data(program.post("campaigns", BODY), 201)["id"]
    dry = data(program.get(f"campaigns/{key}/dry-run"))
    assert (dry["total"], dry["out"]) == (5, [])
    started = data(program.post(f"campaigns/{key}/send"))
    assert (started["status"], started["totalRecipients"]) == ("sending", 5)
    assert code(program.post(f"campaigns/{key}/send")) == (409, "already_started")
    assert data(program.post(f"campaigns/{key}/pause"))["statusReason"] == "person"
    assert data(program.post(f"campaigns/{key}/resume"))["status"] == "sending"
    campaign = Campaign.objects.select_related("business_profile").get()
    send_all(campaign, lease)
    assert counted(campaign)["sent_count"] == 5
    lines = data(program.get(f"campaigns/{key}/recipients?state=sent&limit=2"))
    assert [line["status"] for line in lines] == ["sent", "sent"]
    assert lines[0]["phoneNumber"].startswith("+999")
    assert code(program.post(f"campaigns/{key}/cancel")) == (409, "not_running")
    assert code(program.post(f"campaigns/{key}/retry")) == (409, "nothing_failed")


def test_a_campaign_is_scheduled_and_taken_off_the_schedule(program, draft, people):
    place = f"campaigns/{draft.pk}"
    data(program.patch(place, {"timing": "at", "scheduledAt": "2100-01-01T09:00:00Z"}))
    assert data(program.post(f"{place}/send"))["status"] == "scheduled"
    assert data(program.post(f"{place}/unschedule"))["status"] == "draft"
    assert code(program.post(f"{place}/unschedule")) == (409, "not_scheduled")


def test_a_campaign_is_duplicated(program, draft):
    copy = data(program.post(f"campaigns/{draft.pk}/duplicate"), 201)
    assert (copy["name"], copy["messageContent"], copy["status"]) == ("Autumn (copy)", "Hi", "draft")
    assert copy["id"] != str(draft.pk)


def test_a_campaign_is_tried_on_one_number(program, draft):
    program.patch(f"campaigns/{draft.pk}", {"messageContent": "Hello {{name|there}}"})
    sent = data(program.post(f"campaigns/{draft.pk}/test", {"phoneNumber": "+9992000000009"}))
    assert [one["content"] for one in sent["messages"]] == ["Hello there"]
    assert data(program.get(f"messages/{sent['messages'][0]['messageId']}"))["status"] == "queued"


def test_templates_are_made_changed_and_deleted(program, business):
    made = data(program.post("templates", {"name": "Ready", "content": "Your order is ready."}), 201)
    place = f"templates/{made['id']}"
    assert code(program.post("templates", {"name": "Ready", "content": "x"})) == (409, "name_taken")
    assert data(program.patch(place, {"name": "Done"}))["content"] == "Your order is ready."
    assert data(program.put(place, {"name": "Done", "content": "Come!"}))["content"] == "Come!"
    assert [one["name"] for one in data(program.get("templates"))] == ["Done"]
    assert data(program.get(place))["mediaId"] is None
    assert program.delete(place).status_code == 204
    assert data(program.get("templates")) == []


def test_a_list_of_numbers_makes_its_own_audience(program, number):  # noqa: F811
    body = {**BODY, "targetType": "custom", "numbers": ["+9993000000001", "+999 300 000 0001", "nonsense"]}
    key = data(program.post("campaigns", body), 201)["id"]
    assert data(program.get(f"campaigns/{key}/dry-run"))["total"] == 1
    assert code(program.post("campaigns", {**body, "numbers": ["nonsense"]})) == (422, "no_numbers")


def test_what_cannot_be_sent_says_why(program, number, people, business):  # noqa: F811
    empty = data(program.post("campaigns", {**BODY, "messageContent": ""}), 201)["id"]
    assert code(program.post(f"campaigns/{empty}/send")) == (422, "empty_message")
    late = {**BODY, "timing": "at", "scheduledAt": "2020-01-01T09:00:00Z"}
    key = data(program.post("campaigns", late), 201)["id"]
    assert code(program.post(f"campaigns/{key}/send")) == (422, "time_passed")
    often = {**BODY, "timing": "repeat", "cron": "* * * * *"}
    assert code(program.post("campaigns", often)) == (422, "bad_plan")
    assert pacing_settings.settings_of(number).marketing_hours == 0


def test_other_systems_hear_every_step(program, number, people, lease, business):  # noqa: F811
    factories.WebhookFactory(business_profile=business)
    key = data(program.post("campaigns", BODY), 201)["id"]
    for step in ("send", "pause", "resume"):
        program.post(f"campaigns/{key}/{step}")
    send_all(Campaign.objects.select_related("business_profile").get(), lease)
    other = data(program.post("campaigns", BODY), 201)["id"]
    program.post(f"campaigns/{other}/send")
    program.post(f"campaigns/{other}/cancel")

    rows = PublicEvent.objects.filter(type__startswith="campaign.").order_by("key", "sequence")
    told = [json.loads(event.payload) for event in rows]

    assert [event["type"] for event in told if event["data"]["id"] == key] == [
        "campaign.started", "campaign.paused", "campaign.resumed", "campaign.completed",
    ]  # fmt: skip
    assert [event["type"] for event in told if event["data"]["id"] == other] == [
        "campaign.started", "campaign.cancelled",
    ]  # fmt: skip
    done = next(event["data"] for event in told if event["type"] == "campaign.completed")
    assert (done["status"], done["totalRecipients"], done["openCount"]) == ("completed", 5, 0)


def test_variants_a_plan_and_exclusions_are_given_and_told(program, number, people, business):  # noqa: F811
    tag = factories.TagFactory(business_profile=business)
    body = {
        **BODY,
        "variants": [{"content": "A", "share": 30}, {"content": "B", "share": 70}],
        "targetType": "tags",
        "targetTags": [str(tag.pk)],
        "excludeNeverWrote": True,
        "timing": "repeat",
        "cron": "0 9 * * 1",
        "timeZone": "Europe/Berlin",
        "expireHours": 5,
    }
    made = data(program.post("campaigns", body), 201)
    assert [(one["key"], one["share"]) for one in made["variants"]] == [("A", 30), ("B", 70)]
    assert (made["cron"], made["timeZone"], made["expireHours"], made["targetTags"]) == (
        "0 9 * * 1", "Europe/Berlin", 5, [str(tag.pk)],
    )  # fmt: skip
    assert Campaign.objects.get().exclusions == {"never_wrote": True}
    planned = data(program.post(f"campaigns/{made['id']}/send"))
    assert planned["status"] == "scheduled"
    assert datetime.fromisoformat(planned["scheduledAt"]).weekday() == 0
