"""What is left of a business that its owner deleted: nothing that works, and no file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts import ports
from accounts.models import BusinessProfile, User
from accounts.services import businesses, purge
from connections.models import SandboxPhone, WhatsAppConnection
from connections.services import numbers, sessions
from core.clock import now
from core.files.storage import remove_tree
from messaging.media import media_files
from messaging.models import Conversation
from tests import factories

pytestmark = pytest.mark.services


def _delete(business: BusinessProfile, owner: User) -> None:
    businesses.delete(business, owner, typed_name=business.business_name)


def test_its_numbers_go_offline_with_it(
    owner: User, business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(qr_code="secret", pairing_code="secret")
    _delete(business, owner)

    connection.refresh_from_db()
    assert connection.desired == WhatsAppConnection.Desired.OFFLINE
    assert connection.status == WhatsAppConnection.Status.DISCONNECTED
    assert (connection.qr_code, connection.pairing_code) == ("", "")
    assert sessions.ensure() == 0


def test_another_businesss_numbers_stay(
    owner: User, business: BusinessProfile, other_business: BusinessProfile
) -> None:
    theirs = factories.ConnectionFactory(business_profile=other_business)
    _delete(business, owner)

    theirs.refresh_from_db()
    assert theirs.desired == WhatsAppConnection.Desired.ONLINE


def test_its_files_are_removed_and_no_others(
    media_root: Path,
    owner: User,
    business: BusinessProfile,
    other_business: BusinessProfile,
    sandbox_phone: SandboxPhone,
) -> None:
    row = factories.MediaFileFactory(business_profile=business)
    row.file.save("file", ContentFile(b"theirs"))
    theirs = factories.MediaFileFactory(business_profile=other_business)
    theirs.file.save("file", ContentFile(b"kept"))
    default_storage.save(f"media/{business.pk}/without-a-row", ContentFile(b"x"))
    default_storage.save(f"sandbox/{sandbox_phone.pk}/WA1", ContentFile(b"x"))
    _delete(business, owner)

    assert purge.business(business.pk)

    left = [str(path.relative_to(media_root)) for path in media_root.rglob("*") if path.is_file()]
    assert left == [theirs.file.name]


def test_while_the_storage_does_not_answer_it_stays_marked_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, media_root: Path, owner: User, business: BusinessProfile
) -> None:
    def broken(business_id: Any) -> None:
        raise OSError("no storage")

    _delete(business, owner)
    with monkeypatch.context() as patched:
        patched.setattr(ports, "_removers", [broken])
        assert not purge.business(business.pk)
    assert BusinessProfile.objects.filter(pk=business.pk).exists()

    assert businesses.purge_deleted() == 1


def test_removing_a_tree_takes_what_is_below_and_nothing_beside(media_root: Path) -> None:
    for name in ("a/b/c", "a/d", "ab"):
        default_storage.save(name, ContentFile(b"x"))

    assert remove_tree("a") == 2
    assert remove_tree("a") == 0
    assert default_storage.exists("ab")
    assert not (media_root / "a").exists()


def test_a_deleted_numbers_files_go_with_its_conversations(
    media_root: Path,
    django_capture_on_commit_callbacks: Any,
    owner: User,
    conversation: Conversation,
    sandbox_phone: SandboxPhone,
) -> None:
    number = sandbox_phone.connection
    row = factories.MediaFileFactory(business_profile=conversation.business_profile)
    row.file.save("file", ContentFile(b"a customer's"))
    factories.MessageFactory(conversation=conversation, media=row)
    default_storage.save(f"sandbox/{sandbox_phone.pk}/WA1", ContentFile(b"x"))
    WhatsAppConnection.objects.filter(pk=number.pk).update(desired=WhatsAppConnection.Desired.OFFLINE)
    tomorrow = now() + timedelta(days=1)
    assert media_files.prune_orphans(tomorrow) == 0

    with django_capture_on_commit_callbacks(execute=True):
        numbers.delete(number, owner)
    assert media_files.prune_orphans(tomorrow) == 1

    assert not [path for path in media_root.rglob("*") if path.is_file()]
