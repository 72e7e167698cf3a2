"""What a person may ask for: to be given all that is stored about them, and to be forgotten."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.test import Client

from accounts.models import BusinessProfile, User
from accounts.services import personal_data
from connections.models import WhatsAppConnection
from contacts.models import Contact
from contacts.services import consent, contacts, notes, tags
from core import public_events
from core.clock import now
from core.security.crypto import EncryptedTextField
from jobs import runner
from jobs.models import Job
from messaging.media import media_files
from messaging.models import Conversation, MediaFile
from messaging.outbox import queue
from messaging.services import conversations
from tests import factories
from tests.connections.driver_contract import PICTURE
from webhooks.models import EventFeed, PublicEvent
from webhooks.services import recording

pytestmark = pytest.mark.services

CANARY = "Zanzibar"
NUMBER = "+447400999888"
ROOT = Path(__file__).resolve().parents[2]
ClientOf = Callable[..., Client]


@pytest.fixture
def known(business: BusinessProfile, owner: User, conversation: Conversation, media_root: Any) -> Contact:
    """A contact of whom every kind of thing is stored; beside them somebody else of the same business."""
    contact = conversation.contact
    contacts.update(business, contact, owner, name=f"Carla {CANARY}", phone_number=NUMBER)
    tags.add(business, [contact.pk], tags.find_or_create(business, owner, ["VIP"]))
    notes.add(business, contact, owner, f"Likes {CANARY}")
    consent.opt_out(business, [contact.pk], how="team", note=f"{CANARY} called")
    EventFeed.objects.create(business_profile=business, read_at=now() + timedelta(minutes=1))
    file = media_files.store_upload(business, owner, SimpleUploadedFile(f"{CANARY}.png", PICTURE.data))
    queue.enqueue(business, conversation, sender=owner, text=f"From {CANARY}", media=file)
    conversations.save_draft(business, conversation, owner, f"About {CANARY}")
    recording.audience(business.pk).record(
        [public_events.PublicEvent("message.received", {"text": CANARY}, conversation.pk)]
    )
    somebody = factories.ConversationFactory(business_profile=business, connection=conversation.connection)
    queue.enqueue(business, somebody, sender=owner, text="To somebody else")
    contact.refresh_from_db()
    return contact


def tables_with(words: str) -> set[str]:
    """The tables in which `words` stand anywhere in clear."""
    found = set()
    for model in apps.get_models():
        for row in model._base_manager.all():
            values = [field.value_from_object(row) for field in row._meta.concrete_fields]
            text = json.dumps(values, cls=DjangoJSONEncoder, default=str, ensure_ascii=False)
            if words in text:
                found.add(model._meta.db_table)
    return found


def archive_of(job: Job) -> zipfile.ZipFile:
    runner.run_due()
    job.refresh_from_db()
    assert job.state == "done", job.error_message
    with default_storage.open(job.file) as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def rows_in(archive: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{table}.jsonl").decode().splitlines()]


@pytest.mark.django_db(transaction=True)
def test_all_that_is_stored_about_a_contact_is_handed_over(
    known: Contact, owner: User, client_of: ClientOf
) -> None:
    response = client_of(owner).post(f"/contacts/{known.pk}/personal-data/")
    assert response.status_code == 302
    archive = archive_of(Job.objects.get(kind="contacts.personal_data"))
    expected = tables_with(CANARY) - {"public_events", "jobs", "media_files"}
    named = {name.removesuffix(".jsonl") for name in archive.namelist() if name.endswith(".jsonl")}
    assert expected <= named
    assert {"contact_identities", "contact_tags", "contact_consents", "suppressions", "drafts"} <= named
    assert [row["content"] for row in rows_in(archive, "messages")] == [f"From {CANARY}"]
    assert [row["phone_number"] for row in rows_in(archive, "contacts")] == [NUMBER]
    (file,) = [name for name in archive.namelist() if name.startswith("files/")]
    assert archive.read(file).startswith(b"\x89PNG")
    assert "To somebody else" not in "".join(
        archive.read(name).decode("latin1") for name in archive.namelist()
    )


@pytest.mark.django_db(transaction=True)
def test_a_deleted_contact_leaves_nothing_behind_but_the_opt_out(
    known: Contact, business: BusinessProfile, owner: User
) -> None:
    paths = [file.file.name for file in MediaFile.objects.all()]
    assert {"contacts", "messages", "contact_notes", "drafts", "public_events", "media_files"} <= tables_with(
        CANARY
    )
    assert all(default_storage.exists(path) for path in paths)
    contacts.delete(business, [known.pk], owner)
    assert tables_with(CANARY) == {"public_events"}, "only what tells other systems of the deletion"
    assert tables_with(NUMBER) == {"public_events", "suppressions"}
    assert set(PublicEvent.objects.values_list("type", flat=True)) == {"contact.deleted"}
    assert not any(default_storage.exists(path) for path in paths)


@pytest.mark.django_db(transaction=True)
def test_a_business_takes_everything_with_it_but_secrets(
    known: Contact,
    business: BusinessProfile,
    owner: User,
    teammate: User,
    other_business,
    client_of: ClientOf,
) -> None:
    WhatsAppConnection.objects.update(session_data="the login of the number")
    assert client_of(teammate).post("/jobs/business/").status_code == 403
    assert client_of(owner).post("/jobs/business/").status_code == 302
    archive = archive_of(Job.objects.get(kind="business.export"))
    assert {row["content"] for row in rows_in(archive, "messages")} == {f"From {CANARY}", "To somebody else"}
    assert len(rows_in(archive, "contacts")) == 2
    everything = "".join(archive.read(name).decode() for name in archive.namelist())
    for hidden in ("the login of the number", owner.password, str(other_business.pk)):
        assert hidden not in everything
    client = client_of(teammate)
    job = Job.objects.get(kind="business.export")
    assert client.get(f"/jobs/{job.pk}/file/").status_code in (403, 404)


def test_every_column_that_looks_like_a_secret_is_left_out() -> None:
    harmless = {"client_token", "body_hash", "session_generation", "token"}
    suspicious = ("secret", "password", "token", "hash", "session")
    ours = {config.name for config in apps.get_app_configs()} & {
        path.parent.name for path in ROOT.glob("*/apps.py")
    }
    shown = {
        f"{model._meta.db_table}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in ours
        for field in model._meta.concrete_fields
        if any(word in field.name for word in suspicious)
        and field.name not in personal_data.HIDDEN | harmless
        and not isinstance(field, EncryptedTextField | models.DateTimeField | models.ForeignKey)
    }
    assert shown == set()
