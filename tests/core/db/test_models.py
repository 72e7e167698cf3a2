"""What our tables share: looking many values up at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from core.db.models import is_postgres
from core.ids import uuid7
from tests import factories

pytestmark = pytest.mark.services

ODD = [
    "a,b@example.com",
    '{"x"}@example.com',
    "back\\slash@example.com",
    "o'neil@example.com",
    "%s@example.com",
]


@pytest.mark.django_db
def test_many_values_are_found_whatever_is_in_them() -> None:
    made: list[Any] = [factories.UserFactory(email=email) for email in ODD]
    factories.UserFactory(email="a@example.com")
    assert set(User.objects.filter(email__among=[*ODD, "nobody@example.com"])) == set(made)
    assert set(User.objects.filter(pk__among={made[0].pk, str(made[1].pk), uuid7()})) == set(made[:2])
    assert not User.objects.filter(email__among=[]).exists()
    assert User.objects.exclude(email__among=ODD).count() == 1


@pytest.mark.django_db
def test_thousands_of_values_are_one_parameter_on_postgresql() -> None:
    keys: list[UUID] = [uuid7() for _ in range(5000)]
    _, parameters = User.objects.filter(pk__among=keys).query.sql_with_params()
    assert len(parameters) == (1 if is_postgres() else len(keys))


def test_rows_are_deleted_in_one_statement(owner: Any, django_assert_num_queries: Any) -> None:
    from accounts.models import User
    from core.db import bulk

    other = User.objects.create(email="other@example.com")
    with django_assert_num_queries(1):
        assert bulk.delete_rows(User.objects.filter(pk=other.pk).order_by("email")) == 1
    assert bulk.delete_rows(User.objects.filter(pk__in=[])) == 0
    assert User.objects.filter(pk=owner.pk).exists()
