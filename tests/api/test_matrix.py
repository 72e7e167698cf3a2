"""Every operation with every credential that does not suffice: the right refusal, and never a row.

The operations are read from the addresses, bodies are the documentation's examples. A new parameter needs its row in
`foreign` (tests/architecture/test_tenants.py).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import scopes
from accounts.models import ApiKey
from accounts.rest.operations import Operation
from accounts.roles import Can, Role, allows
from tests.api.conftest import Caller
from tests.api.routes import Call, calls
from tests.architecture.test_tenants import CANARY, _rows, foreign  # noqa: F401 - a fixture

CALLS = calls()
CLOSED = [call for call in CALLS if not call.operation.public]
SCOPED = [call for call in CLOSED if not (call.operation.personal or call.operation.unscoped)]
WRITING = [call for call in SCOPED if call.writes]
WITH_IDS = [call for call in CLOSED if call.parameters]


def send(caller: Caller, call: Call, ids: dict[str, Any], **headers: str) -> Any:
    """The call with ids of the rows, and the example as its body."""
    known = {name: row.pk for name, row in ids.items()}
    missing = set(call.parameters) - set(known)
    assert not missing, f"{call} has parameters without a row in `foreign`: {missing}"
    return caller.send(call.method, call.path(known), body_of(call.operation), **headers)


def body_of(operation: Operation) -> Any:
    """What the documentation shows."""
    return operation.example if operation.body and not operation.multipart else None


def refused(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.content[:300])
    assert answer.json()["success"] is False
    assert CANARY not in answer.content.decode()


@pytest.mark.parametrize("call", [call for call in CALLS if call.operation.body], ids=str)
def test_every_body_has_an_example(call):
    assert call.operation.multipart or call.operation.example is not None


@pytest.mark.parametrize("call", CLOSED, ids=str)
def test_without_a_valid_credential_nothing_is_told_or_done(call, business, as_program, foreign):  # noqa: F811
    before = _rows(foreign)
    caller = as_program(business)
    refused(send(Caller(), call, foreign), 401)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(send(caller, call, foreign), 401)
    ApiKey.objects.update(expires_at=None, is_active=False)
    refused(send(caller, call, foreign), 401)
    assert _rows(foreign) == before


@pytest.mark.parametrize("call", SCOPED, ids=str)
def test_a_key_with_every_other_scope_is_refused(call, business, as_program, foreign):  # noqa: F811
    other = [one for one in scopes.ALL if not one.startswith(f"{call.endpoint.resource}:")]
    refused(send(as_program(business, scopes=other), call, foreign), 403)


@pytest.mark.parametrize("call", WRITING, ids=str)
def test_a_key_that_may_only_read_cannot_write(call, business, as_program, foreign):  # noqa: F811
    reading = [one for one in scopes.ALL if one.endswith(":read")]
    refused(send(as_program(business, scopes=reading), call, foreign), 403)


@pytest.mark.parametrize("call", SCOPED, ids=str)
def test_a_viewer_does_only_what_viewers_may(call, viewer, business, as_person, foreign):  # noqa: F811
    needed = call.operation.can or (call.endpoint.capability if call.writes else Can.VIEW)
    answer = send(as_person(viewer), call, foreign)
    if allows(Role.VIEWER, needed):
        assert answer.status_code not in (401, 403), answer.content[:300]
    else:
        refused(answer, 403)


@pytest.mark.parametrize("call", WITH_IDS, ids=str)
def test_another_tenants_id_is_not_found_and_changes_nothing(
    call,
    owner,
    business,
    as_program,
    as_person,
    foreign,  # noqa: F811
):
    before = _rows(foreign)
    refused(send(as_program(business), call, foreign), 404)
    refused(send(as_person(owner), call, foreign), 404)
    assert _rows(foreign) == before


@pytest.mark.parametrize("call", CLOSED, ids=str)
def test_another_tenants_business_is_not_found(call, owner, business, as_person, as_program, foreign):  # noqa: F811
    theirs = str(foreign["connection_id"].business_profile_id)
    refused(send(as_person(owner), call, foreign, x_business_id=theirs), 404)
    refused(send(as_program(business), call, foreign, x_business_id=theirs), 404)
