"""Queries that are written once a process."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Case, QuerySet, Value, When

from accounts.models import BusinessProfile, Membership, User
from connections.models import WhatsAppConnection
from core.db.compiled_queries import Prepared
from tests import factories

pytestmark = pytest.mark.services


def memberships(user: UUID) -> QuerySet[Membership]:
    return (
        Membership.objects.filter(user=user).select_related("user", "business_profile").order_by("created_at")
    )


def test_models_come_as_from_the_queryset(
    owner: User, teammate: User, business: BusinessProfile, django_assert_num_queries
) -> None:
    prepared = Prepared[Membership](memberships)
    for user in (owner, teammate, owner):
        with django_assert_num_queries(1):
            found = prepared.rows(user.pk)
            assert [row.user for row in found] == [user]
            assert found[0].business_profile == business
            assert found[0].created_at.tzinfo is not None
        assert found == list(memberships(user.pk))


def test_values_come_as_from_the_queryset(owner: User, business: BusinessProfile) -> None:
    def values(user: UUID) -> QuerySet[Membership, dict[str, object]]:
        return memberships(user).values("id", "created_at", word=Value("x"))

    assert Prepared[dict[str, object]](values).rows(owner.pk) == list(values(owner.pk))


def test_ids_go_where_they_belong_whatever_their_order(owner: User, business: BusinessProfile) -> None:
    prepared = Prepared[Membership](
        lambda chosen, user: Membership.objects.filter(user=user).order_by(
            Case(When(business_profile=chosen, then=0), default=1)
        )
    )
    assert [row.user_id for row in prepared.rows(business.pk, owner.pk)] == [owner.pk]
    assert prepared.rows(owner.pk, business.pk) == []


def test_the_second_reading_sees_what_has_changed(owner: User, business: BusinessProfile) -> None:
    prepared = Prepared[Membership](memberships)
    assert prepared.first(owner.pk) is not None
    Membership.objects.filter(user=owner).delete()
    assert prepared.first(owner.pk) is None


def test_a_queryset_that_leaves_an_id_out_is_refused(owner: User) -> None:
    with pytest.raises(TypeError, match="each of its values"):
        Prepared[User](lambda _: User.objects.all()).rows(owner.pk)


@pytest.mark.django_db(transaction=True)
def test_each_thread_reads_by_its_own_connection(owner: User, business: BusinessProfile) -> None:
    prepared = Prepared[Membership](memberships)
    prepared.rows(owner.pk)
    found: list[int] = []

    def read() -> None:
        found.append(len(prepared.rows(owner.pk)))
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 4


def test_times_are_given_like_ids(owner: User, business: BusinessProfile) -> None:
    prepared = Prepared[Membership](
        lambda user, at: Membership.objects.filter(user=user, created_at__lt=at, created_at__lte=at)
    )
    joined = Membership.objects.get(user=owner).created_at
    assert prepared.rows(owner.pk, joined) == []
    assert len(prepared.rows(owner.pk, joined + timedelta(microseconds=1))) == 1


def test_words_and_numbers_are_given_like_ids(business: BusinessProfile) -> None:
    number = factories.ConnectionFactory(business_profile=business, name="Shop", lease_epoch=7)
    prepared = Prepared[WhatsAppConnection](
        lambda name, epoch: WhatsAppConnection.objects.filter(name=name, lease_epoch__gte=epoch)
    )
    assert prepared.rows("Shop", 7) == [number]
    assert prepared.rows("Another", 7) == []
    assert prepared.rows("Shop", 8) == []
