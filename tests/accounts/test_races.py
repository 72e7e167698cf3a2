"""Two people at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Membership, User
from accounts.roles import Role
from accounts.services import team, users
from core.errors import DomainError
from tests import factories

pytestmark = pytest.mark.services


def at_once(*calls: Callable[[], object]) -> list[str]:
    """Run the calls in threads that start together; "done" or the error's code of each."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[str] = ["never ran"] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=10)
            call()
            outcomes[number] = "done"
        except DomainError as error:
            outcomes[number] = error.code
        except Exception as error:
            outcomes[number] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_one_invitation_makes_one_member(owner: User, business, stranger: User) -> None:
    another = factories.UserFactory()
    invitation, _ = team.invite(business, owner, role=Role.AGENT)
    outcomes = at_once(
        lambda: team.accept(invitation.pk, stranger), lambda: team.accept(invitation.pk, another)
    )
    assert sorted(outcomes) == ["done", "invitation_used"]
    assert Membership.objects.filter(business_profile=business).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_together_leave_one_behind(owner: User, business, stranger: User) -> None:
    factories.MembershipFactory(user=stranger, business_profile=business, role=Role.OWNER)
    outcomes = at_once(lambda: team.leave(business, owner), lambda: team.leave(business, stranger))
    assert sorted(outcomes) == ["done", "last_owner"]
    assert Membership.objects.filter(business_profile=business, role=Role.OWNER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_address_makes_one_user() -> None:
    outcomes = at_once(
        lambda: users.register(email="nora@example.com", password="three brown foxes"),
        lambda: users.register(email="NORA@example.com", password="three brown foxes"),
    )
    assert sorted(outcomes) == ["done", "email_unavailable"]
    assert User.objects.count() == 1
