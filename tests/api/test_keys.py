"""API keys: what they open, and what ends them."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry
from accounts.services import audit, businesses, keys
from core.errors import Conflict, InvalidInput, NotFound
from tests.api.conftest import Caller
from tests.factories import BusinessFactory


def make(business, **options):
    options = {"name": "Shop", "scopes": ["business:read"], **options}
    return keys.create(business, business.user, **options)


def status(key, **headers):
    answer = Caller(x_api_key=key, **headers).get("business")
    return answer.status_code, answer.json().get("error", {}).get("code")


def test_only_prefix_and_hash_are_kept(business):
    row, key = make(business)
    assert key.startswith(f"wf_{row.prefix}_")
    secret = key.rpartition("_")[2]
    assert len(secret) == 40
    assert secret not in str(list(ApiKey.objects.values()))
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_key_works_as_bearer_and_in_its_own_header(business):
    _row, key = make(business)
    assert status(key) == (200, None)
    assert Caller(authorization=f"Bearer {key}").get("business").status_code == 200


def test_two_credentials_at_once_are_refused(business):
    _row, key = make(business)
    assert status(key, authorization=f"Bearer {key}") == (401, "two_credentials")


def test_made_up_keys_open_nothing(business):
    row, key = make(business)
    for wrong in (
        f"wf_{row.prefix}_{'a' * 40}",
        key + "a",
        key[:-1],
        "wf_",
        "wf__",
        row.prefix,
        "wf_x_y" * 60,
    ):
        assert status(wrong) == (401, "invalid_api_key")


def test_a_revoked_key_opens_nothing(business):
    row, key = make(business)
    keys.revoke(business, business.user, row.pk)
    assert status(key) == (401, "api_key_revoked")


def test_an_expired_key_opens_nothing(business):
    _row, key = make(business, expires_at=timezone.now() + timedelta(days=1))
    assert status(key) == (200, None)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert status(key) == (401, "api_key_expired")


def test_a_key_of_a_deleted_business_opens_nothing(business):
    _row, key = make(business)
    businesses.delete(business, business.user, typed_name=business.business_name)
    assert status(key) == (401, "api_key_revoked")


def test_a_rotated_key_is_replaced_by_one_that_may_do_the_same(business):
    row, old = make(business, allowed_ips=["127.0.0.0/8"])
    made, new = keys.rotate(business, business.user, row.pk)
    assert (made.scopes, made.allowed_ips, made.name) == (row.scopes, row.allowed_ips, row.name)
    assert status(new) == (200, None)
    assert status(old) == (401, "api_key_revoked")
    with pytest.raises(Conflict):
        keys.rotate(business, business.user, row.pk)


def test_the_old_key_may_work_on_for_a_while(business):
    row, old = make(business)
    _made, new = keys.rotate(business, business.user, row.pk, overlap=timedelta(hours=24))
    assert (status(old), status(new)) == ((200, None), (200, None))
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert (status(old), status(new)) == ((401, "api_key_expired"), (200, None))


def test_addresses_can_be_limited(business):
    _row, key = make(business, allowed_ips=["203.0.113.0/24", "2001:db8::1"])
    assert status(key) == (403, "ip_not_allowed")
    _row, key = make(business, allowed_ips=["127.0.0.1"])
    assert status(key) == (200, None)


def test_a_header_does_not_forge_the_address(business):
    _row, key = make(business, allowed_ips=["203.0.113.7"])
    assert status(key, x_forwarded_for="203.0.113.7") == (403, "ip_not_allowed")


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4/33", "example.com"])
def test_addresses_that_are_none_are_refused(business, text):
    with pytest.raises(InvalidInput, match="no address"):
        make(business, allowed_ips=[text])


def test_the_last_use_is_noted_to_the_minute(business, django_assert_num_queries):
    row, key = make(business)
    status(key)
    row.refresh_from_db()
    first = row.last_used_at
    assert row.last_used_ip == "127.0.0.1"
    with django_assert_num_queries(1):
        status(key)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        status(key)
    row.refresh_from_db()
    assert row.last_used_at > first


def test_a_key_does_what_its_scopes_say_and_no_more(business):
    _row, key = make(business, scopes=["business:read"])
    caller = Caller(x_api_key=key)
    assert caller.get("business").status_code == 200
    for answer in (caller.patch("business", {"industry": "Bread"}), caller.get("team")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "missing_scope")
    _row, key = make(business, scopes=["business:write"])
    assert Caller(x_api_key=key).patch("business", {"industry": "Bread"}).status_code == 200
    assert Caller(x_api_key=key).get("business").status_code == 200


@pytest.mark.parametrize("scopes", [[], ["everything"], ["contacts"], ["analytics:write"]])
def test_scopes_that_do_not_exist_are_refused(business, scopes):
    with pytest.raises(InvalidInput):
        make(business, scopes=scopes)


def test_what_a_program_does_is_written_down_under_its_key(business, owner):
    row, key = make(business, scopes=["business:write"])
    Caller(x_api_key=key).patch("business", {"industry": "Bread"})
    entry = AuditEntry.objects.filter(action="business.changed").get()
    assert (entry.actor, entry.data["api_key"]) == (owner, str(row.pk))


def test_what_a_person_does_next_in_the_same_thread_is_not_written_down_under_the_key(business, owner):
    _row, key = make(business, scopes=["business:write"])
    Caller(x_api_key=key).patch("business", {"industry": "Bread"})
    audit.record(business, owner, "business.looked_at")
    assert "api_key" not in AuditEntry.objects.get(action="business.looked_at").data


def test_a_key_has_one_business_whatever_the_header_says(business, other_business, owner):
    other_business.memberships.create(user=owner, role="owner")
    _row, key = make(business)
    assert status(key, x_business_id=str(business.pk)) == (200, None)
    assert status(key, x_business_id=str(other_business.pk)) == (404, "not_found")


def test_a_key_cannot_act_as_a_person(business):
    _row, key = make(business, scopes=["business:write"])
    answer = Caller(x_api_key=key).post("business", {"businessName": "Another"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "people_only")


def test_another_businesss_keys_are_not_found(business, other_business):
    row, _key = make(other_business)
    for verb in (keys.revoke, keys.rotate):
        with pytest.raises(NotFound):
            verb(business, business.user, row.pk)
    row.refresh_from_db()
    assert row.is_active


def test_keys_go_on_when_their_maker_is_gone(business, admin_member):
    _row, key = keys.create(business, admin_member, name="Shop", scopes=["business:read"])
    admin_member.delete()
    assert status(key) == (200, None)


def test_keys_die_with_their_business(owner):
    doomed = BusinessFactory(user=owner, business_name="Doomed")
    make(doomed)
    businesses.delete(doomed, owner, typed_name="Doomed")
    businesses.purge_deleted()
    assert not ApiKey.objects.exists()
