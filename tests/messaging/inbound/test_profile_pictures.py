"""Profile pictures: fetched for those who talk, cleaned, shown, asked for rarely, and no trouble when they fail."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from connections import leases
from connections.drivers.base import MediaBlob, Transient
from connections.leases import Lease
from connections.models import SandboxPhone, WhatsAppConnection
from contacts.models import Contact
from core.decoding import sandbox
from messaging.inbound import profile_pictures
from messaging.inbound.profile_pictures import PictureJob
from messaging.media import media_files
from messaging.models import ContactPicture, Conversation, MediaFile
from messaging.runner import background_tasks
from tests import factories
from tests.connections.driver_contract import PICTURE, until
from tests.connections.live import running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


@pytest.fixture
def lease(connection: WhatsAppConnection, conversation: Conversation) -> Lease:
    taken = leases.acquire(connection.pk, "runner")
    assert taken is not None
    return taken


def wanted(lease: Lease) -> PictureJob:
    job = profile_pictures.next_due(lease)
    assert job is not None
    return job


def test_a_picture_that_met_a_busy_decoder_is_looked_for_within_the_hour(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: object, **_options: object) -> None:
        raise sandbox.Busy

    job = wanted(lease)
    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "run", busy)
        profile_pictures.store(lease, job, PICTURE)
    assert profile_pictures.next_due(lease) is None
    row = ContactPicture.objects.get(contact_id=job.contact_id)
    assert row.media is None
    assert row.check_at <= timezone.now() + timedelta(hours=1)
    ContactPicture.objects.update(check_at=timezone.now())
    profile_pictures.store(lease, wanted(lease), PICTURE)
    assert ContactPicture.objects.get(contact_id=job.contact_id).media is not None


def test_somebody_who_talks_is_looked_up_once(lease: Lease, conversation: Conversation) -> None:
    job = wanted(lease)
    assert (job.contact_id, job.chat.phone) == (conversation.contact_id, conversation.contact.phone_number)
    profile_pictures.store(lease, job, PICTURE)
    assert profile_pictures.next_due(lease) is None
    contact = Contact.objects.get(pk=job.contact_id)
    kept = ContactPicture.objects.get(contact=contact).media
    assert kept is not None
    assert contact.profile_pic_url == f"/inbox/media/{kept.pk}/thumbnail/"
    assert (kept.state, kept.kind, kept.business_profile_id) == ("ready", "image", lease.business_id)


def test_it_is_asked_for_again_after_two_weeks_and_kept_when_it_is_the_same(lease: Lease) -> None:
    profile_pictures.store(lease, wanted(lease), PICTURE)
    ContactPicture.objects.update(check_at=timezone.now())
    job = wanted(lease)
    before = ContactPicture.objects.get().media_id
    profile_pictures.store(lease, job, PICTURE)
    assert ContactPicture.objects.get().media_id == before
    assert MediaFile.objects.count() == 1
    ContactPicture.objects.update(check_at=timezone.now())
    profile_pictures.store(lease, wanted(lease), None)
    assert Contact.objects.get(pk=job.contact_id).profile_pic_url == ""


def test_one_that_could_not_be_asked_for_stays_as_it_is_and_is_asked_for_again_soon(lease: Lease) -> None:
    profile_pictures.store(lease, wanted(lease), PICTURE)
    ContactPicture.objects.update(check_at=timezone.now())
    job = wanted(lease)
    profile_pictures.postpone(lease, job)
    kept = ContactPicture.objects.get()
    assert kept.media is not None
    assert Contact.objects.get(pk=job.contact_id).profile_pic_url
    assert profile_pictures.next_due(lease) is None
    assert kept.check_at <= timezone.now() + timedelta(hours=1)


def test_one_that_was_never_known_and_could_not_be_asked_for_holds_up_no_other(lease: Lease) -> None:
    job = wanted(lease)
    profile_pictures.postpone(lease, job)
    assert ContactPicture.objects.get(contact_id=job.contact_id).media is None
    assert profile_pictures.next_due(lease) is None


@pytest.mark.parametrize("data", [b"not a picture", b"", b"<svg onload='alert(1)'/>"])
def test_what_is_no_picture_is_not_kept(lease: Lease, data: bytes, media_root: Path) -> None:
    profile_pictures.store(lease, wanted(lease), MediaBlob(data, "image/png"))
    assert ContactPicture.objects.get().media is None
    assert MediaFile.objects.count() == 0
    assert not [one for one in media_root.rglob("*") if one.is_file()]


def test_those_who_have_not_talked_for_long_are_left_alone(lease: Lease, conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=timezone.now() - timedelta(days=60)
    )
    assert profile_pictures.next_due(lease) is None


def test_looking_is_three_queries(lease: Lease, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(4):  # the lease, the latest conversations, the one, its LID
        profile_pictures.next_due(lease)


def test_a_contact_that_is_gone_meanwhile_leaves_nothing(
    lease: Lease, conversation: Conversation, media_root: Path
) -> None:
    job = wanted(lease)
    conversation.contact.delete()
    profile_pictures.store(lease, job, PICTURE)
    assert MediaFile.objects.count() == 0
    assert not [one for one in media_root.rglob("*") if one.is_file()]


def test_housekeeping_keeps_pictures_in_use_and_removes_those_of_deleted_contacts(
    lease: Lease, conversation: Conversation
) -> None:
    profile_pictures.store(lease, wanted(lease), PICTURE)
    later = timezone.now() + timedelta(days=2)
    assert media_files.prune_orphans(later) == 0
    conversation.contact.delete()
    assert media_files.prune_orphans(later) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fails", [False, True])
def test_the_runner_fetches_them_and_takes_no_harm(
    connection: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(background_tasks, "PICTURE_PAUSE_SECONDS", 0.0)
    if fails:
        monkeypatch.setattr(
            "connections.drivers.sandbox.driver.images.profile_picture",
            lambda customer: _fail(Transient("no_answer")),
        )
    WhatsAppConnection.objects.filter(pk=connection.pk).update(session_data="linked", status="starting")
    SandboxPhone.objects.filter(connection=connection).update(cast_started=True)
    person = factories.SandboxCustomerFactory(phone=connection.sandbox_phone, lid="100000000000001")
    contact = factories.ContactFactory(
        business_profile=connection.business_profile, phone_number=person.number
    )
    factories.ConversationFactory(
        business_profile=connection.business_profile, contact=contact, connection=connection
    )
    with running(connection) as session:
        until(lambda: ContactPicture.objects.filter(contact=contact).exists(), "the look")
        assert session.thread.is_alive()
    contact.refresh_from_db()
    assert bool(contact.profile_pic_url) is not fails


def _fail(error: Exception) -> None:
    raise error
