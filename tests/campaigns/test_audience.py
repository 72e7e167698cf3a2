"""Whom a campaign means, who of them is left out and why, and what the dry run foretells of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns import audience, draft_preview, dry_run
from campaigns.models import CampaignRecipient
from campaigns.services import drafts, lifecycle
from connections.drivers.base import Chat
from contacts.models import ContactIdentity
from contacts.services import tags
from core.clock import now
from core.errors import InvalidInput, NotFound
from messaging.inbound import receiver
from messaging.outbox import pacing_settings
from tests import factories
from tests.campaigns.clock import turned_by_hand
from tests.campaigns.conftest import launched, send_all
from tests.messaging.helpers import hello

pytestmark = pytest.mark.services("campaigns.services.audience_snapshot")

MONDAY = datetime(2026, 3, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def people(business):
    """Ann is VIP and local, Bo is VIP, Cy is local, Di has no tag, Ed opted out."""
    found = {
        name: factories.ContactFactory(business_profile=business, name=name, phone_number=f"+99930000000{n}0")
        for n, name in enumerate(("Ann", "Bo", "Cy", "Di", "Ed"))
    }
    vip, local = (factories.TagFactory(business_profile=business, name=name) for name in ("VIP", "Local"))
    tags.add(business, [found["Ann"].pk, found["Bo"].pk, found["Ed"].pk], [vip])
    tags.add(business, [found["Ann"].pk, found["Cy"].pk], [local])
    found["Ed"].opted_out_at = now()
    found["Ed"].save()
    return found | {"vip": str(vip.pk), "local": str(local.pk)}


def heads(campaign):
    """Reason ("" for who is in) -> names."""
    found: dict[str, set[str]] = {}
    for person in audience.with_reason(campaign, now()):
        found.setdefault(person.reason, set()).add(person.name or str(person.phone_number))
    return found


def frozen(campaign):
    """The same from the ledger of a launched one."""
    lifecycle.launch(campaign.business_profile, campaign, None)
    found: dict[str, set[str]] = {}
    for line in campaign.recipients.select_related("contact"):
        found.setdefault(line.reason, set()).add(line.contact.name or str(line.contact.phone_number))
    return found


def everything(people):
    """Values of a draft by kind of audience, and who is in."""
    return {
        "all": ({}, {"Ann", "Bo", "Cy", "Di"}),
        "any": (
            {"target_type": "tags", "target_tags": [people["vip"], people["local"]]},
            {"Ann", "Bo", "Cy"},
        ),
        "all tags": ({"target_type": "tags", "target_tags_all": [people["vip"], people["local"]]}, {"Ann"}),
        "none": ({"exclusions": {"tags": [people["local"]]}}, {"Bo", "Di"}),
        "list": (
            {"numbers": ["+999 30000000-20", "+999300000000 9", "+9993000000040"]},
            {"Cy", "+9993000000009"},
        ),
    }


@pytest.mark.parametrize("kind", ["all", "any", "all tags", "none", "list"])
def test_each_kind_of_audience_is_foretold_and_frozen_alike(draft, people, kind):
    values, expected = everything(people)[kind]
    campaign = draft(**values)
    told = heads(campaign)
    assert told[""] == expected
    assert told.get("opted_out", set()) <= {"Ed"}
    run = dry_run.simulate(campaign)
    assert (run.total, sum(one.count for one in run.out)) == (
        len(expected),
        sum(map(len, told.values())) - len(expected),
    )
    assert frozen(campaign) == told


def test_a_segment_is_asked_when_the_campaign_starts(draft, people, business):
    segment = factories.SegmentFactory(business_profile=business, filter={"tags_any": [people["vip"]]})
    campaign = draft(target_type="segment", segment_id=segment.pk)
    assert heads(campaign)[""] == {"Ann", "Bo"}
    tags.add(business, [people["Di"].pk], [tags.Tag.objects.get(pk=people["vip"])])
    assert frozen(campaign)[""] == {"Ann", "Bo", "Di"}


def test_those_who_did_not_answer_an_earlier_campaign(draft, people, lease):
    first = launched(draft())
    send_all(first, lease)
    receiver.receive(lease, [hello("IN1", Chat(phone=people["Bo"].phone_number))])
    campaign = draft(name="Again", target_type="no_reply", earlier=first)
    assert heads(campaign) == {"": {"Ann", "Cy", "Di"}}
    assert frozen(campaign)[""] == {"Ann", "Cy", "Di"}


def test_people_are_left_out_for_each_reason_and_the_first_one_counts(draft, people, lease, business, number):
    pacing_settings.change(business, number, None, {"marketing_hours": 24})
    earlier = launched(draft(numbers=["+9993000000000"], name="Earlier"))
    send_all(earlier, lease)
    people["Bo"].blocked_at = now()
    people["Bo"].save()
    nobody = factories.ContactFactory(business_profile=business, name="No number", phone_number=None)
    secret = factories.ContactFactory(business_profile=business, name="Only an id", phone_number=None)
    ContactIdentity.objects.create(
        business_profile=business, contact=secret, kind="lid", value="7700000000001"
    )
    receiver.receive(lease, [hello("IN1", Chat(phone=people["Cy"].phone_number))])
    assert nobody.pk != secret.pk
    campaign = draft(name="Next", exclusions={"never_wrote": True})

    told = heads(campaign)

    assert told == {
        "": {"Cy"},
        "opted_out": {"Ed"},
        "blocked": {"Bo"},
        "no_whatsapp": {"No number"},
        "never_wrote": {"Ann", "Di", "Only an id"},
    }
    assert heads(draft(name="All"))["marketing_cap"] == {"Ann"}
    assert heads(draft(name="Not again", exclusions={"campaigns": [str(earlier.pk)]}))["excluded"] == {"Ann"}
    run = dry_run.simulate(campaign)
    assert next((out.reason, out.count, [one.name for one in out.examples]) for out in run.out) == (
        "never_wrote", 3, ["Ann", "Di", "Only an id"],
    )  # fmt: skip
    assert all(out.label for out in run.out)
    assert frozen(campaign) == told


def test_a_list_says_what_is_wrong_with_it(draft, people, business):
    business.default_country = "PT"
    business.save()
    campaign = draft(numbers=["912 345 678", "+351912345678", "hello", "", "+9993000000000"])
    assert campaign.list_summary == {"lines": 4, "invalid": 1, "repeated": 1, "examples": ["hello"]}
    run = dry_run.simulate(campaign)
    assert (run.total, {out.reason: out.count for out in run.out}) == (2, {"duplicate": 1})
    assert any("1 line of your list is no phone number" in warning for warning in run.warnings)
    for lines, code in ((["nothing"], "no_numbers"), (["+9993000000000"] * 100_001, "list_too_long")):
        with pytest.raises(InvalidInput) as refused:
            draft(numbers=lines)
        assert refused.value.code == code


def test_what_belongs_to_another_business_can_be_neither_chosen_nor_seen(
    draft, people, business, other_business
):
    theirs = factories.ConnectionFactory(business_profile=other_business, phone_number="+9991000000077")
    foreign = {
        "connections": [theirs],
        "media": factories.MediaFileFactory(business_profile=other_business),
        "segment_id": factories.SegmentFactory(business_profile=other_business).pk,
        "earlier": drafts.create(other_business, None, {"name": "Theirs"}),
    }
    for name, value in foreign.items():
        with pytest.raises(NotFound):
            draft(**{name: value})
    with pytest.raises(InvalidInput):
        draft(target_type="tags", target_tags=[str(factories.TagFactory(business_profile=other_business).pk)])
    factories.ContactFactory(business_profile=other_business, name="Stranger")
    assert "Stranger" not in heads(draft())[""]


# -- what the dry run foretells ----------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    return turned_by_hand(monkeypatch, MONDAY)


def test_it_tells_the_day_and_the_hour_of_the_last_message(draft, crowd, number, business, clock):
    rules = {
        "enabled": True,
        "gap_min": 30,
        "gap_max": 60,
        "hourly": 60,
        "daily": 12,
        "warm_up": (),
        "cold_daily": 12,
    }
    pacing_settings.change(
        business, number, None, rules | {"window_enabled": True, "window_start": 540, "window_end": 1140}
    )
    run = dry_run.simulate(draft())
    assert run.numbers[0].days == 3
    assert run.finish.date() == datetime(2026, 3, 25).date()
    assert 8 <= run.finish.hour <= 10
    pacing_settings.change(business, number, None, {"cold_daily": 1})
    assert dry_run.simulate(draft()).numbers[0].days == 30
    pacing_settings.change(business, number, None, {"cold_daily": 0})
    never = dry_run.simulate(draft())
    assert never.finish is None
    assert any("two years" in warning for warning in never.warnings)


def test_it_spreads_over_the_numbers_as_the_run_will(draft, crowd, number, business):
    second = factories.ConnectionFactory(
        business_profile=business, phone_number="+9991000000002", settings=number.settings
    )
    for person in crowd[:20]:
        factories.ConversationFactory(business_profile=business, contact=person, connection=second)
    campaign = draft(connections=[number, second])
    told = {plan.connection.pk: plan.count for plan in dry_run.simulate(campaign).numbers}
    assert told == {number.pk: 5, second.pk: 25}
    launched(campaign)
    rows = CampaignRecipient.objects.filter(campaign=campaign)
    assert rows.filter(contact__in=crowd[:20], connection=second).count() == 20
    assert sum(told.values()) == rows.count()


def test_it_warns_of_what_a_person_should_know(draft, crowd, number, business):
    factories.ConnectionFactory(
        business_profile=business, phone_number="+9991000000002", status="disconnected"
    )
    crowd[0].name = crowd[0].push_name = ""
    crowd[0].save()
    for person in crowd[1:6]:
        person.opted_out_at = now()
        person.save()
    campaign = draft(
        message_content="Dear {{name}}, {{colour}} " + "x" * 1001,
        connections=list(business.connections.all()),
    )
    told = " ".join(dry_run.simulate(campaign).warnings)
    for words in ("Not connected", "1 of them have no name", "no field called colour", "Read more", "tenth"):
        assert words in told
    assert dry_run.simulate(draft(numbers=["+9993000000002"])).warnings == ["Nobody is left to send it to."]
    nothing = draft(connections=[])
    assert "No number is chosen that could send it." in dry_run.simulate(nothing).warnings


def test_it_says_how_many_a_local_hour_would_come_too_late_for(draft, number, business, clock):
    for end in range(30):
        factories.ContactFactory(business_profile=business, phone_number=f"+49151123456{end:02d}")
    rules = {"enabled": True, "gap_min": 600, "gap_max": 600, "hourly": 6, "warm_up": (), "daily": 100}
    pacing_settings.change(business, number, None, rules)
    campaign = draft(timing="local", local_at=datetime(2026, 3, 24, 10, 0, tzinfo=UTC), expire_hours=2)
    run = dry_run.simulate(campaign)
    assert run.numbers[0].missed == pytest.approx(18, abs=2)
    assert any("more than 2 hours late" in warning for warning in run.warnings)
    assert run.finish == pytest.approx(datetime(2026, 3, 24, 11, 0, tzinfo=UTC), abs=timedelta(hours=1))


def test_a_dry_run_writes_nothing(draft, crowd, django_assert_max_num_queries):
    campaign = draft()
    with django_assert_max_num_queries(16) as asked:
        dry_run.simulate(campaign)
    assert not [one["sql"] for one in asked.captured_queries if not one["sql"].startswith("SELECT")]


def test_the_preview_shows_long_names_and_somebody_of_whom_no_name_is_known(draft, crowd, business):
    crowd[3].name = "Maximiliane Schmidt-Rothenburg"
    crowd[4].name = crowd[4].push_name = ""
    for person in crowd[3:5]:
        person.save()
    campaign = draft(message_content="Hi {{first_name|there}}", variants=[])
    shown = draft_preview.preview_texts(campaign, draft_preview.preview_contacts(campaign))
    assert shown[0][1:] == ("Maximiliane Schmidt-Rothenburg", "Hi Maximiliane")
    assert shown[-1][2] == "Hi there"
    nobody = draft(target_type="tags", target_tags=[str(factories.TagFactory(business_profile=business).pk)])
    assert [
        text for _, _, text in draft_preview.preview_texts(nobody, draft_preview.preview_contacts(nobody))
    ] == ["Hello there"]
