"""Every operation with every credential that does not suffice: the right refusal, and never a row.

The operations are read from the addresses, bodies are the documentation's examples. A new parameter needs its row in
tests/one_of_each.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import scopes
from accounts.api.operations import Operation
from accounts.models import ApiKey
from accounts.roles import Can, Role, allows
from accounts.scopes import Resource
from tests.api.conftest import Caller
from tests.api.routes import Call, calls
from tests.matrix import CANARY, rows_as_text

CALLS = calls()
CLOSED = [call for call in CALLS if not call.operation.public]
SCOPED = [call for call in CLOSED if not (call.operation.personal or call.operation.unscoped)]
WRITING = [call for call in SCOPED if call.writes]
WITH_IDS = [call for call in CLOSED if call.parameters]


def send(caller: Caller, call: Call, ids: dict[str, Any], **headers: str) -> Any:
    """The call with ids of the rows, and the example as its body."""
    known = {name: row.pk for name, row in ids.items()}
    missing = set(call.parameters) - set(known)
    assert not missing, f"{call} has parameters without a row in tests/one_of_each.py: {missing}"
    return caller.send(call.method, call.path(known), body_of(call.operation), **headers)


def body_of(operation: Operation) -> Any:
    """What the documentation shows."""
    return operation.example if operation.body and not operation.multipart else None


def refused(answer: Any, *statuses: int) -> str:
    """What is wrong with a refusal; empty when it is as it should be."""
    if answer.status_code not in statuses:
        return f"{answer.status_code} instead of {statuses}: {answer.content[:200]!r}"
    if answer.json()["success"] is not False or CANARY in answer.content.decode():
        return f"tells too much: {answer.content[:200]!r}"
    return ""


def check(faults: dict[str, str]) -> None:
    """Fail with every call that was not refused as it should be."""
    assert not {call: fault for call, fault in faults.items() if fault}


@pytest.fixture(autouse=True)
def _no_limits(settings: Any) -> None:
    """One key calls everything."""
    settings.API_REQUESTS_PER_KEY = settings.API_REQUESTS_PER_USER = 100_000
    settings.API_REQUESTS_PER_ADDRESS = 100_000


def test_every_body_has_an_example():
    bodies = [call for call in CALLS if call.operation.body and not call.operation.multipart]
    assert not [str(call) for call in bodies if call.operation.example is None]


@pytest.mark.parametrize("credential", ["none", "expired", "revoked", "unknown"])
def test_without_a_valid_credential_nothing_is_told_or_done(credential, business, as_program, foreign):
    before = rows_as_text(foreign)
    caller = as_program(business) if credential != "unknown" else Caller(x_api_key="wf_nobody_knows")
    own = ApiKey.objects.filter(business_profile=business)
    if credential == "expired":
        own.update(expires_at=timezone.now() - timedelta(seconds=1))
    if credential == "revoked":
        own.update(is_active=False)
    caller = Caller() if credential == "none" else caller
    check({str(call): refused(send(caller, call, foreign), 401) for call in CLOSED})
    assert rows_as_text(foreign) == before


def test_a_key_with_every_other_scope_is_refused(business, as_program, foreign):
    faults = {}
    for resource in Resource:
        other = [one for one in scopes.ALL if not one.startswith(f"{resource}:")]
        caller = as_program(business, scopes=other)
        for call in SCOPED:
            if call.endpoint.resource == resource:
                faults[str(call)] = refused(send(caller, call, foreign), 403)
    assert set(faults) == {str(call) for call in SCOPED}
    check(faults)


def test_a_key_that_may_only_read_cannot_write(business, as_program, foreign):
    caller = as_program(business, scopes=[one for one in scopes.ALL if one.endswith(":read")])
    check({str(call): refused(send(caller, call, foreign), 403) for call in WRITING})


def test_a_viewer_does_only_what_viewers_may(viewer, business, as_person, foreign):
    caller = as_person(viewer)
    faults = {}
    for call in SCOPED:
        needed = call.operation.can or (call.endpoint.capability if call.writes else Can.VIEW)
        answer = send(caller, call, foreign)
        if not allows(Role.VIEWER, needed):
            faults[str(call)] = refused(answer, 403)
        elif answer.status_code in (401, 403):
            faults[str(call)] = f"a viewer may: {answer.content[:200]!r}"
    check(faults)


@pytest.mark.parametrize("who", ["program", "person"])
def test_another_tenants_id_is_not_found_and_changes_nothing(
    who,
    owner,
    business,
    as_program,
    as_person,
    foreign,
):
    before = rows_as_text(foreign)
    caller = as_program(business) if who == "program" else as_person(owner)
    check({str(call): refused(send(caller, call, foreign), 404) for call in WITH_IDS})
    assert rows_as_text(foreign) == before


@pytest.mark.parametrize("who", ["program", "person"])
def test_another_tenants_business_is_not_found(who, owner, business, as_person, as_program, foreign):
    theirs = str(foreign["connection_id"].business_profile_id)
    caller = as_program(business) if who == "program" else as_person(owner)
    check({str(call): refused(send(caller, call, foreign, x_business_id=theirs), 404) for call in CLOSED})
