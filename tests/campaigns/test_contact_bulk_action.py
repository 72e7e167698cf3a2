"""Contacts chosen in their list become a campaign's audience; what a campaign did stands on their card."""

from __future__ import annotations

import pytest

from campaigns import audience
from campaigns.models import Campaign
from campaigns.services import drafts, lifecycle
from contacts import timeline
from contacts.bulk import job as bulk_job
from contacts.models import Contact
from contacts.services import merging, tags
from core.clock import now
from jobs import runner, services
from jobs.models import Job

pytestmark = pytest.mark.services

LIST = "/contacts/"
BULK = "/contacts/bulk/"


@pytest.fixture
def add(client_of, owner, crowd):
    """`add(campaign=..., ids=[...] or all="1")` presses the button; the finished job."""

    def press(who=owner, **form):
        answer = client_of(who).post(BULK, {"action": "campaign", **form})
        assert answer.status_code == 302, answer.content.decode()[-600:]
        runner.run_due()
        return Job.objects.latest("id")

    return press


def names(campaign):
    return sorted(audience.targeted_contacts(campaign).values_list("name", flat=True))


def test_everybody_found_goes_into_a_new_campaign(add, client_of, owner, crowd, monkeypatch):
    monkeypatch.setattr(bulk_job, "CHUNK", 4)
    job = add(campaign="new", all="1", filter='{"q": "Person 1"}')
    campaign = Campaign.objects.get()
    assert (job.state, job.summary["changed"]) == ("done", 10)
    assert (campaign.target_type, campaign.list_summary["lines"]) == ("custom", 10)
    assert names(campaign) == [f"Person {n}" for n in range(10, 20)]
    page = client_of(owner).get(f"/jobs/{job.pk}/").content.decode()
    assert f"/campaigns/{campaign.pk}/edit/" in page


def test_a_draft_keeps_whom_it_has_and_nobody_is_on_it_twice(add, draft, crowd):
    campaign = draft(numbers=[crowd[0].phone_number, crowd[1].phone_number])
    job = add(campaign=campaign.pk, ids=[crowd[1].pk, crowd[2].pk])
    campaign.refresh_from_db()
    assert job.summary == {"changed": 1, "unchanged": 1, "notes": []}
    assert names(campaign) == ["Person 01", "Person 02", "Person 03"]
    assert campaign.list_summary["lines"] == 3


def test_undoing_takes_off_only_whom_the_job_put_on(add, draft, crowd, business, owner):
    campaign = draft(numbers=[crowd[0].phone_number])
    job = add(campaign=campaign.pk, ids=[crowd[0].pk, crowd[1].pk, crowd[2].pk])
    services.undo(business, owner, job.pk)
    runner.run_due()
    campaign.refresh_from_db()
    assert names(campaign) == ["Person 01"]
    assert campaign.list_summary["lines"] == 1


def test_a_draft_for_others_becomes_a_list(add, draft, crowd, client_of, owner):
    campaign = draft()
    assert "Spring (becomes a list of these people)" in client_of(owner).get(LIST).content.decode()
    add(campaign=campaign.pk, ids=[crowd[5].pk])
    campaign.refresh_from_db()
    assert (campaign.target_type, names(campaign)) == ("custom", ["Person 06"])


def test_a_campaign_that_has_begun_keeps_its_list(add, draft, crowd, client_of, owner, business):
    campaign = draft()
    waiting = services.start(
        business, owner, bulk_job.KIND, {"action": "campaign", "ids": [str(crowd[0].pk)], "campaign": str(campaign.pk)}
    )  # fmt: skip
    lifecycle.launch(business, campaign, owner)
    runner.run_due()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error_code) == ("failed", "not_a_draft")
    assert not campaign.people.exists()
    for wrong in (campaign.pk, "", "x"):
        answer = client_of(owner).post(BULK, {"action": "campaign", "ids": [crowd[0].pk], "campaign": wrong})
        assert answer.status_code in (409, 422)


def test_only_who_may_run_campaigns_is_offered_it(client_of, teammate, crowd, draft):
    campaign = draft()
    client = client_of(teammate)
    assert "Add to campaign" not in client.get(LIST).content.decode()
    form = {"action": "campaign", "ids": [crowd[0].pk], "campaign": campaign.pk}
    assert client.post(BULK, form).status_code == 403
    assert not Job.objects.exists()


def test_another_businesss_campaign_is_not_found(client_of, owner, crowd, other_business, stranger):
    theirs = drafts.create(other_business, stranger, {"name": "Theirs"})
    form = {"action": "campaign", "ids": [crowd[0].pk], "campaign": theirs.pk}
    assert client_of(owner).post(BULK, form).status_code == 422
    assert not Job.objects.exists()


def test_who_is_merged_keeps_the_place_on_a_list(draft, crowd, business, owner):
    keep, lose, other = crowd[:3]
    both = draft(numbers=[keep.phone_number, lose.phone_number])
    one = draft(numbers=[lose.phone_number, other.phone_number])
    merging.merge(business, owner, keep, lose)
    assert names(both) == ["Person 01"]
    assert names(one) == ["Person 01", "Person 03"]


def test_a_merged_tag_is_followed_by_the_campaigns_that_will_still_be_sent(draft, crowd, business, owner):
    vip, best = tags.find_or_create(business, owner, ["VIP", "Best"])
    tags.add(business, [crowd[0].pk, crowd[1].pk], [vip])
    tags.add(business, [crowd[1].pk, crowd[2].pk], [best])
    meant = draft(target_type="tags", target_tags=[str(vip.pk), str(best.pk)])
    left_out = draft(exclusions={"tags": [str(vip.pk)]})
    done = draft(target_type="tags", target_tags=[str(vip.pk)])
    Campaign.objects.filter(pk=done.pk).update(status="completed")
    tags.merge(business, vip, best, owner)
    for campaign in (meant, left_out, done):
        campaign.refresh_from_db()
    assert meant.target_tags == [str(best.pk)]
    assert names(meant) == ["Person 01", "Person 02", "Person 03"]
    assert audience.count_by_reason(left_out, now())["excluded"] == 3
    assert done.target_tags == [str(vip.pk)], "what was sent stays as it was sent"


def test_a_campaign_stands_on_the_card_of_who_got_it(business, owner, crowd, draft):
    campaign = draft()
    lifecycle.launch(business, campaign, owner)
    contact = Contact.objects.get(pk=crowd[0].pk)
    before, _ = timeline.page(business, contact)
    assert not [one for one in before if "campaign" in one.title]
    campaign.recipients.filter(contact=contact).update(status="read", sent_at=now(), replied_at=now())
    entries, _ = timeline.page(business, contact)
    (entry,) = [one for one in entries if "campaign" in one.title]
    assert (entry.title, entry.text) == ("Got the campaign Spring", "Read, answered")
    assert entry.url == f"/campaigns/{campaign.pk}/"
