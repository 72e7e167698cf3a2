"""Our PostgreSQL backend: what it keeps, and how it tells that the server has hung up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, connections

from accounts.models import User
from core.db import bulk
from core.db.compiled_queries import Prepared

pytestmark = [pytest.mark.services("core.db.postgresql.base"), pytest.mark.usefixtures("require_postgres")]


@pytest.fixture
def another() -> Iterator[Any]:
    """Another connection to the test's database."""
    made = connections.create_connection("default")
    yield made
    made.close()


def pid(of: Any) -> int:
    with of.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_connection_that_the_server_has_ended_is_not_usable(another: Any) -> None:
    number = pid(another)
    assert another.is_usable()
    bulk.fetch("SELECT pg_terminate_backend(%s, 5000)", [number])
    assert not another.is_usable()


def test_nothing_is_compiled(another: Any) -> None:
    with another.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)


def test_a_connection_that_stands_is_not_asked(another: Any) -> None:
    number = pid(another)
    assert another.is_usable()
    asked = bulk.fetch("SELECT query FROM pg_stat_activity WHERE pid = %s", [number])
    assert asked == [("SELECT pg_backend_pid()",)]


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-27 21:37:29.123456+00",
        "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
        "2026-02-28 00:00:00.5+00",
    ],
)
def test_times_are_read_as_they_were_written_in_utc(another: Any, written: str) -> None:
    with another.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        (read,) = cursor.fetchone()
    assert read == datetime.fromisoformat(written)
    assert read.tzinfo is UTC


def test_times_of_a_session_in_another_zone_are_the_same_moments(another: Any) -> None:
    with another.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Asia/Kolkata'")
        cursor.execute("SELECT '2026-11-27 21:37:29+00'::timestamptz")
        (read,) = cursor.fetchone()
    assert read.tzinfo is not None
    assert read.astimezone(UTC).isoformat() == "2026-11-27T21:37:29+00:00"


@pytest.mark.parametrize("written", ["infinity", "0044-03-15 00:00:00+00 BC", "20000-01-01 00:00:00+00"])
def test_times_that_python_does_not_have_are_an_error_in_words(another: Any, written: str) -> None:
    with another.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        with pytest.raises(DataError, match="timestamp"):
            cursor.fetchone()


def test_after_an_error_the_server_is_asked(another: Any) -> None:
    number = pid(another)
    another.errors_occurred = True
    assert another.is_usable()
    assert bulk.fetch("SELECT query FROM pg_stat_activity WHERE pid = %s", [number]) == [("SELECT 1",)]


def kept(word: str) -> int:
    return int(
        bulk.fetch("SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, %s) > 0", [word])[0][
            0
        ]
    )


def test_the_plan_of_a_read_by_key_is_kept_and_of_others_is_not(owner: User) -> None:
    by_key = Prepared[User](lambda user: User.objects.filter(pk=user, theme="kept"), by_key=True)
    other = Prepared[User](lambda user: User.objects.filter(pk=user, time_zone="made-anew"))
    for _ in range(8):
        by_key.rows(owner.pk)
        other.rows(owner.pk)
    assert kept('"users"."theme" = $') == 1
    assert kept('"users"."time_zone" = $') == 0
