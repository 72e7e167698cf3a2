"""The page of API keys, and the page of the API's documentation."""

from django.urls import reverse

from accounts.models import ApiKey
from accounts.services import keys, origins
from tests.api.conftest import Caller

PAGE = reverse("accounts:keys")
NEW = reverse("accounts:key_create")


def make(business, name="Shop"):
    return keys.create(business, business.user, name=name, scopes=["business:read"])[0]


def test_a_key_is_made_and_shown_once(client_of, owner, business):
    client = client_of(owner)
    made = client.post(
        NEW, {"name": "Web shop", "access": "read", "lifetime": "30", "allowed_ips": "127.0.0.1"}
    )
    assert made.status_code == 201
    text = made.context["text"]
    assert made.content.decode().count(text) == 2  # the field, and the example
    key = ApiKey.objects.get()
    assert (key.allowed_ips, key.created_by) == (["127.0.0.1"], owner)
    assert key.expires_at is not None
    assert Caller(x_api_key=text).get("business").status_code == 200
    assert Caller(x_api_key=text).patch("business", {"industry": "x"}).status_code == 403
    listed = client.get(PAGE).content.decode()
    assert "Web shop" in listed
    assert text not in listed


def test_scopes_can_be_chosen(client_of, owner, business):
    chosen = {"name": "Reader", "access": "chosen", "scope_contacts": "write", "scope_messages": "read"}
    client_of(owner).post(NEW, chosen)
    assert ApiKey.objects.get().scopes == ["contacts:write", "messages:read"]


def test_a_key_that_may_do_nothing_is_refused(client_of, owner, business):
    answer = client_of(owner).post(NEW, {"name": "Nothing", "access": "chosen"})
    assert answer.status_code == 422
    assert "Choose what the key may do" in answer.content.decode()


def test_a_key_is_rotated(client_of, owner, business):
    old = make(business)
    answer = client_of(owner).post(reverse("accounts:key_rotate", args=[old.pk]), {"overlap": "24"})
    assert answer.status_code == 201
    assert Caller(x_api_key=answer.context["text"]).get("business").status_code == 200
    old.refresh_from_db()
    assert (old.is_active, old.expires_at is not None) == (True, True)


def test_a_key_is_revoked(client_of, owner, business):
    key = make(business)
    answer = client_of(owner).post(reverse("accounts:key_revoke", args=[key.pk]), follow=True)
    assert "Revoked" in answer.content.decode()
    key.refresh_from_db()
    assert not key.is_active


def test_agents_have_no_business_here(client_of, teammate, business):
    key = make(business)
    client = client_of(teammate)
    assert client.get(PAGE).status_code == 403
    assert client.post(NEW, {"name": "x", "access": "all"}).status_code == 403
    assert client.post(reverse("accounts:key_revoke", args=[key.pk])).status_code == 403
    assert ApiKey.objects.get().is_active


def test_web_sites_are_allowed_and_refused(client_of, owner, business):
    client = client_of(owner)
    address = reverse("accounts:origins")
    assert (
        client.post(address, {"origins": "https://shop.example\nhttps://www.shop.example"}).status_code == 302
    )
    assert origins.is_allowed("https://shop.example", business)
    answer = client.post(address, {"origins": "ftp://x"})
    assert (answer.status_code, "is no web site" in answer.content.decode()) == (422, True)


def test_the_list_costs_the_same_for_many_keys(client_of, owner, business, django_assert_max_num_queries):
    for number in range(6):
        make(business, f"Key {number}")
    client = client_of(owner)
    client.get(PAGE)
    with django_assert_max_num_queries(8):
        client.get(PAGE)


def test_the_documentation_loads_nothing_from_elsewhere(client):
    answer = client.get(reverse("api-docs"))
    assert answer.status_code == 200
    assert "https://" not in answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
