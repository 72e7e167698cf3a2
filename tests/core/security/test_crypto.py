"""Encryption at rest: what the database holds, and what becomes of values that were changed."""

import base64
import os
import subprocess

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection as database
from hypothesis import given
from hypothesis import strategies as st

from connections.models import WhatsAppConnection
from core.security import crypto

CANARY = "canary-4f1d9e"


def raw(pk, column="session_data"):
    """The column as the database holds it."""
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM whatsapp_connections WHERE id = %s", [_key(pk)])
        return cursor.fetchone()[0]


def overwrite(pk, value, column="session_data"):
    with database.cursor() as cursor:
        cursor.execute(f"UPDATE whatsapp_connections SET {column} = %s WHERE id = %s", [value, _key(pk)])


def _key(pk):
    return pk.hex if database.vendor == "sqlite" else str(pk)


def reload(connection):
    return WhatsAppConnection.objects.get(pk=connection.pk)


def save(connection, text):
    connection.session_data = text
    connection.save(update_fields=["session_data"])


def test_the_database_never_sees_the_text(connection):
    save(connection, CANARY)
    stored = raw(connection.pk)
    assert stored.startswith("v1:")
    assert CANARY not in stored
    assert CANARY.encode() not in base64.urlsafe_b64decode(stored[3:])
    assert reload(connection).session_data == CANARY


def test_the_canary_is_nowhere_in_the_database_file(connection, require_sqlite, transactional_db):
    save(connection, CANARY)
    database.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # Read by another process: closing the file in this one would give up the locks that SQLite holds on it here.
    written = subprocess.check_output(["cat", database.settings_dict["NAME"]])
    assert written.startswith(b"SQLite format 3")
    assert CANARY.encode() not in written


def test_update_and_bulk_create_encrypt_too(connection, business):
    WhatsAppConnection.objects.filter(pk=connection.pk).update(session_data=CANARY)
    other = WhatsAppConnection(business_profile=business, session_data=CANARY)
    WhatsAppConnection.objects.bulk_create([other])
    assert CANARY not in raw(connection.pk) + raw(other.pk)
    assert reload(other).session_data == reload(connection).session_data == CANARY


def test_one_text_looks_different_each_time(connection):
    save(connection, CANARY)
    first = raw(connection.pk)
    save(connection, CANARY)
    assert raw(connection.pk) != first


def test_empty_stays_empty_and_can_be_asked_for(connection):
    assert raw(connection.pk) == ""
    assert WhatsAppConnection.objects.filter(session_data="").exists()
    save(connection, CANARY)
    assert not WhatsAppConnection.objects.filter(session_data="").exists()
    assert WhatsAppConnection.objects.exclude(session_data="").exists()


def test_any_other_question_is_refused(connection):
    with pytest.raises(ValueError, match="empty text"):
        WhatsAppConnection.objects.filter(session_data=CANARY).exists()
    with pytest.raises(FieldError):
        WhatsAppConnection.objects.filter(session_data__contains="a").exists()


def test_a_value_that_was_changed_is_refused(connection):
    save(connection, CANARY)
    stored = raw(connection.pk)
    middle = len(stored) // 2
    overwrite(connection.pk, stored[:middle] + ("A" if stored[middle] != "A" else "B") + stored[middle + 1 :])
    with pytest.raises(ValueError, match="was changed"):
        reload(connection)


@pytest.mark.parametrize("value", [CANARY, "v2:abc", "v1:", "v1:AAAA", "v1:%%%"])
def test_a_value_that_nobody_encrypted_is_refused(connection, value):
    overwrite(connection.pk, value)
    with pytest.raises(ValueError, match=r"encrypted|changed"):
        reload(connection)


def test_a_value_moved_to_another_column_is_refused(connection):
    save(connection, CANARY)
    overwrite(connection.pk, raw(connection.pk), column="qr_code")
    with pytest.raises(ValueError, match="was changed"):
        reload(connection)


def test_keys_rotate(connection, settings):
    save(connection, CANARY)
    old, new = django_settings.ENCRYPTION_KEYS[0], base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.ENCRYPTION_KEYS = [new, old]
    kept = reload(connection)
    assert kept.session_data == CANARY
    kept.save(update_fields=["session_data"])
    settings.ENCRYPTION_KEYS = [new]
    assert reload(connection).session_data == CANARY
    settings.ENCRYPTION_KEYS = [old]
    with pytest.raises(ValueError, match="not configured"):
        reload(connection)


@pytest.mark.parametrize("keys", [[], [""], ["short"], ["é" * 44], ["A" * 43]])
def test_unusable_keys_are_told(settings, keys):
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        crypto.encrypt(b"x", "a.b")


@given(st.binary(), st.text(), st.text())
def test_only_the_same_context_opens_it(plain, context, other):
    sealed = crypto.encrypt(plain, context)
    assert crypto.decrypt(sealed, context) == plain
    if other != context:
        with pytest.raises(ValueError, match="was changed"):
            crypto.decrypt(sealed, other)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_not_one_bit_can_be_changed(plain, data):
    sealed = bytearray(crypto.encrypt(plain, "a.b"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(ValueError, match="was changed"):
        crypto.decrypt(bytes(sealed), "a.b")


def test_a_fingerprint_is_sha256():
    assert crypto.fingerprint("abc").startswith("ba7816bf")
    assert len(crypto.fingerprint("")) == 64
