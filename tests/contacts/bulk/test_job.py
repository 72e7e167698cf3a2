"""One thing done with many contacts, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from accounts.models import BusinessProfile, User
from accounts.roles import Can
from contacts.api.serializers import BULK_ACTIONS
from contacts.bulk import job as bulk_job
from contacts.bulk import registry
from contacts.models import BulkChange, ConsentProof, Contact, ContactTag, Tag
from contacts.services import consent, tags
from core.clock import now
from jobs import runner, services
from jobs.models import Job
from tests import factories

pytestmark = pytest.mark.services

Bulk = Callable[..., Job]


@pytest.fixture
def people(business: BusinessProfile, other_business: BusinessProfile) -> list[Contact]:
    factories.ContactFactory(business_profile=other_business, name="Theirs")
    return [factories.ContactFactory(business_profile=business, name=f"P{n}") for n in range(12)]


@pytest.fixture
def vip(business: BusinessProfile, owner: User) -> Tag:
    return tags.create(business, owner, "VIP")


@pytest.fixture
def do(business: BusinessProfile, owner: User, monkeypatch: pytest.MonkeyPatch) -> Bulk:
    monkeypatch.setattr(bulk_job, "CHUNK", 5)

    def run(action: str, **params: object) -> Job:
        job = services.start(business, owner, bulk_job.KIND, {"action": action, **params})
        runner.run_due()
        job.refresh_from_db()
        return job

    return run


def carriers(tag: Tag) -> set[str]:
    return set(ContactTag.objects.filter(tag=tag).values_list("contact__name", flat=True))


def undone(job: Job, business: BusinessProfile, owner: User) -> Job:
    started = services.undo(business, owner, job.pk)
    runner.run_due()
    started.refresh_from_db()
    return started


def test_everybody_who_passes_a_filter_is_tagged_also_if_the_tag_changes_who_passes(
    do: Bulk, people: list[Contact], vip: Tag
) -> None:
    job = do("tag", filter={"tags_none": [str(vip.pk)]}, tags=[str(vip.pk)])
    assert (job.state, job.done, job.total) == (Job.State.DONE, 12, 12)
    assert job.summary["changed"] == 12
    assert carriers(vip) == {person.name for person in people}


def test_undoing_a_tag_takes_it_off_only_those_who_got_it_from_this_job(
    do: Bulk, people: list[Contact], vip: Tag, business: BusinessProfile, owner: User
) -> None:
    tags.add(business, [people[0].pk], [vip])
    job = do("tag", filter={}, tags=[str(vip.pk)])
    assert job.summary["changed"] == 11
    undo = undone(job, business, owner)
    assert (undo.state, undo.summary["restored"]) == (Job.State.DONE, 11)
    assert carriers(vip) == {"P0"}


def test_undoing_an_untag_puts_it_back_where_contact_and_tag_still_exist(
    do: Bulk, people: list[Contact], vip: Tag, business: BusinessProfile, owner: User
) -> None:
    tags.add(business, [person.pk for person in people[:7]], [vip])
    job = do("untag", ids=[str(person.pk) for person in people], tags=[str(vip.pk)])
    assert carriers(vip) == set()
    people[0].delete()
    assert undone(job, business, owner).summary["restored"] == 6
    assert carriers(vip) == {f"P{n}" for n in range(1, 7)}


def test_what_an_undo_needed_is_forgotten_afterwards(
    do: Bulk, people: list[Contact], vip: Tag, business: BusinessProfile, owner: User
) -> None:
    job = do("tag", filter={}, tags=[str(vip.pk)])
    assert BulkChange.objects.count() == 12
    undone(job, business, owner)
    assert BulkChange.objects.count() == 0


def test_opt_out_and_delete_reach_the_chosen_and_nobody_else(
    do: Bulk, people: list[Contact], business: BusinessProfile
) -> None:
    some = [str(person.pk) for person in people[:7]]
    theirs = Contact.objects.get(name="Theirs")
    assert do("opt_out", ids=[*some, str(theirs.pk)]).summary["changed"] == 7
    assert ConsentProof.objects.filter(how="team").count() == 7
    assert do("delete", ids=[*some, str(theirs.pk)]).summary["changed"] == 7
    theirs.refresh_from_db()
    assert theirs.opted_out_at is None
    assert Contact.objects.filter(business_profile=business).count() == 5


def test_undoing_an_opt_out_lets_in_only_whom_nobody_has_heard_of_since(
    do: Bulk, people: list[Contact], business: BusinessProfile, owner: User
) -> None:
    consent.opt_out(business, [people[0].pk], how="message")
    job = do("opt_out", filter={})
    assert job.summary["changed"] == 11
    consent.opt_out(business, [people[1].pk], how="message", note="STOP")
    consent.opt_in(business, [people[2].pk], how="team")
    consent.opt_out(business, [people[2].pk], how="api")
    undo = undone(job, business, owner)
    out = Contact.objects.filter(business_profile=business, opted_out_at__isnull=False)
    assert set(out.values_list("name", flat=True)) == {"P0", "P1", "P2"}
    assert undo.summary["restored"] == 9
    proof = ConsentProof.objects.filter(contact=people[3]).latest("id")
    assert (proof.kind, proof.how, proof.actor, proof.note) == (
        "opt_in", "team", owner, "Undone: contacts.bulk",
    )  # fmt: skip


def test_what_cannot_be_undone_offers_no_undo(do: Bulk, people: list[Contact]) -> None:
    assert do("delete", filter={}).undo_until is None


def test_what_an_undo_would_need_is_forgotten_when_its_time_is_over(
    do: Bulk, people: list[Contact], vip: Tag
) -> None:
    job = do("tag", filter={}, tags=[str(vip.pk)])
    bulk_job.prune()
    assert BulkChange.objects.count() == 12
    Job.objects.filter(pk=job.pk).update(undo_until=now())
    bulk_job.prune()
    assert not BulkChange.objects.exists()


def test_whoever_lost_the_right_to_it_meanwhile_does_nothing(
    business: BusinessProfile, teammate: User, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    greet = registry.BulkAction(
        "greet", "Greet", "x", "Greet", lambda work, ids: len(ids), capability=Can.RUN_CAMPAIGNS
    )
    monkeypatch.setitem(registry._actions, "greet", greet)
    job = services.start(business, teammate, bulk_job.KIND, {"action": "greet", "filter": {}})
    runner.run_due()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "forbidden")


def test_a_job_taken_over_goes_on_where_it_was(
    do: Bulk, people: list[Contact], vip: Tag, business: BusinessProfile, owner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def die(place: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.failpoints.reach", die)
    params = {"action": "tag", "filter": {"tags_none": [str(vip.pk)]}, "tags": [str(vip.pk)]}
    job = services.start(business, owner, bulk_job.KIND, params)
    with pytest.raises(KeyboardInterrupt):
        runner.run_due()
    assert len(carriers(vip)) == 5
    late = factories.ContactFactory(business_profile=business, name="Late")
    monkeypatch.setattr("core.failpoints.reach", lambda place: None)
    Job.objects.update(lease_expires_at=None)
    runner.run_due()
    job.refresh_from_db()
    assert (job.summary["changed"], job.done) == (12, 12)
    assert late.name not in carriers(vip)


def test_a_tag_that_was_deleted_meanwhile_is_told(do: Bulk, people: list[Contact], vip: Tag) -> None:
    key = str(vip.pk)
    vip.delete()
    job = do("tag", filter={}, tags=[key])
    assert (job.state, job.error_code) == (Job.State.FAILED, "tag_gone")


def test_an_action_that_nobody_registered_fails_with_words(do: Bulk, people: list[Contact]) -> None:
    assert do("fly", filter={}).error_code == "unknown_action"


def test_api_and_list_offer_registered_actions() -> None:
    on_page = {action.name: action.on_page for action in registry.all_actions()}
    assert set(BULK_ACTIONS.values()) <= on_page.keys()
    assert {name for name, shown in on_page.items() if shown} == {
        "tag", "untag", "opt_out", "delete", "campaign",
    }  # fmt: skip


def test_what_the_list_does_not_offer_runs_as_a_job_too(do: Bulk, people: list[Contact]) -> None:
    some = [str(person.pk) for person in people[:7]]
    assert do("block", ids=some).summary["changed"] == 7
    assert Contact.objects.filter(blocked_at__isnull=False).count() == 7
    assert do("unblock", filter={}).summary == {"changed": 7, "unchanged": 5, "notes": []}


def test_apps_above_may_add_actions(do: Bulk, people: list[Contact], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_actions", dict(registry._actions))
    seen: list[int] = []

    def act(work: object, ids: Sequence[UUID]) -> int:
        seen.append(len(ids))
        return len(ids)

    registry.register(registry.BulkAction("greet", "Greet", "x", "Greet contacts", act))
    assert do("greet", filter={}).summary["changed"] == 12
    assert seen == [5, 5, 2]
