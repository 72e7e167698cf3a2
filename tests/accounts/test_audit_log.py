"""The audit log stays as it was written, whoever tries."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry, AuditLogIsFinal, User
from accounts.selectors import audit_entries
from accounts.services import audit

pytestmark = pytest.mark.services("accounts.management.commands.flush")


@pytest.fixture
def entry(owner: User, business) -> AuditEntry:
    audit.record(business, owner, "test.happened", owner, detail=1)
    return AuditEntry.objects.get()


def test_an_entry_says_who_did_what_to_what(entry: AuditEntry, owner: User, business) -> None:
    assert (entry.actor, entry.business_profile, entry.action) == (owner, business, "test.happened")
    assert (entry.target_type, entry.target_id, entry.data) == ("User", str(owner.pk), {"detail": 1})
    assert audit_entries(business) == [entry]


def test_the_model_refuses_every_change(entry: AuditEntry) -> None:
    entry.action = "test.never"
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(action="test.never"),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
    ):
        with pytest.raises(AuditLogIsFinal):
            attempt()
    assert AuditEntry.objects.get().action == "test.happened"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET action = 'test.never'",
        "UPDATE audit_log SET actor_id = NULL",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE action = 'test.happened'",
    ],
)
def test_the_database_refuses_plain_sql(entry: AuditEntry, statement: str) -> None:
    refused = pytest.raises(DatabaseError, match="cannot be changed or removed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    kept = AuditEntry.objects.get()
    assert (kept.action, kept.actor_id) == ("test.happened", entry.actor_id)


def test_entries_outlive_the_person(entry: AuditEntry, owner: User, business) -> None:
    key = owner.pk
    owner.delete()
    kept = AuditEntry.objects.select_related("actor", "business_profile").get()
    assert kept.actor_id == key
    assert kept.actor is None
    assert kept.business_profile is None


def test_an_entry_is_rolled_back_with_its_change(owner: User, business) -> None:
    with transaction.atomic():
        audit.record(business, owner, "test.happened")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_flush_empties_it_and_leaves_the_guard_in_place(owner: User, business) -> None:
    audit.record(business, owner, "test.happened")
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEntry.objects.exists()
    audit.record(None, None, "test.again")
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_log")


def test_flush_asks_before_it_removes_anything(entry: AuditEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "no")
    call_command("flush", interactive=True, verbosity=0)
    assert AuditEntry.objects.exists()


def test_owners_and_admins_read_it_and_nobody_else(
    client_of, business, owner: User, admin_member: User, teammate: User, other_business, stranger: User
) -> None:
    audit.record(business, teammate, "contact.note_changed", teammate)
    audit.record(business, None, "webhook.disabled")
    audit.record(other_business, stranger, "tag.created")
    page = "/accounts/businesses/log/"
    for member in (owner, admin_member):
        html = client_of(member).get(page).content.decode()
        assert "Contact: note changed" in html
        assert "Tim Teammate" in html
        assert "WhatsFlow itself" in html
        assert "Tag: created" not in html
    assert client_of(teammate).get(page).status_code == 403


def test_older_entries_are_a_page_away(
    client_of, business, owner: User, other_business, stranger: User
) -> None:
    for number in range(3):
        audit.record(business, owner, f"test.number_{number}")
    client, page = client_of(owner), "/accounts/businesses/log/"
    entries = audit_entries(business, limit=2)
    html = client.get(f"{page}?before={entries[-1].pk}").content.decode()
    assert "Test: number 0" in html
    assert "Test: number 1" not in html
    assert client.get(f"{page}?before=nonsense").status_code == 422
    audit.record(other_business, stranger, "tag.created")
    assert client.get(f"{page}?before={audit_entries(other_business)[0].pk}").status_code == 404
