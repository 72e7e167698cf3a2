"""Pages of the numbers: who sees and may do what, the QR code, forms, and whole pages beside partials."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from connections.models import WhatsAppConnection
from tests import factories

Status = WhatsAppConnection.Status
Reason = WhatsAppConnection.Reason
Desired = WhatsAppConnection.Desired
SECRET_QR = "2@canary-of-the-qr-code"
HTMX = {"HTTP_HX_REQUEST": "true"}
ClientOf = Callable[..., Client]


@pytest.fixture
def pending(connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number that shows a QR code."""
    connection.status = Status.QR_PENDING
    connection.qr_code = SECRET_QR
    connection.qr_count = 2
    connection.qr_expires_at = timezone.now() + timedelta(seconds=20)
    connection.save()
    return connection


@pytest.fixture
def resting(connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number that somebody disconnected."""
    connection.status = Status.DISCONNECTED
    connection.status_reason = Reason.USER
    connection.desired = Desired.OFFLINE
    connection.save()
    return connection


def url(name: str, number: WhatsAppConnection) -> str:
    return reverse(f"connections:{name}", args=[number.pk])


# -- list --------------------------------------------------------------------------------------------------------------


def test_the_list_tells_name_number_mode_state_and_what_to_do(
    client_of: ClientOf, viewer: User, connection: WhatsAppConnection
) -> None:
    connection.status, connection.status_reason = Status.DISCONNECTED, Reason.REPLACED
    connection.desired = Desired.OFFLINE
    connection.save()
    page = client_of(viewer).get(reverse("connections:list")).content.decode()
    for words in ("Shop", connection.display_phone, "Sandbox", "Opened elsewhere", "Close it there"):
        assert words in page


def test_the_list_shows_no_other_business(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection, other_business: object
) -> None:
    factories.ConnectionFactory(business_profile=other_business, name="Secret shop")
    assert "Secret shop" not in client_of(owner).get(reverse("connections:list")).content.decode()


def test_an_empty_list_offers_the_sandbox_to_those_who_may_add_numbers(
    client_of: ClientOf, owner: User, viewer: User
) -> None:
    address = reverse("connections:list")
    assert "Try the sandbox" in client_of(owner).get(address).content.decode()
    assert "Try the sandbox" not in client_of(viewer).get(address).content.decode()


def test_htmx_gets_the_list_alone_and_nothing_while_it_is_the_same(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    client = client_of(owner)
    partial = client.get(reverse("connections:list"), **HTMX)
    assert b"<html" not in partial.content
    assert "HX-Request" in partial.headers["Vary"]
    again = client.get(reverse("connections:list"), {"seen": partial.context["version"]}, **HTMX)
    assert again.status_code == 204
    WhatsAppConnection.objects.filter(pk=connection.pk).update(name="Renamed")
    changed = client.get(reverse("connections:list"), {"seen": partial.context["version"]}, **HTMX)
    assert b"Renamed" in changed.content


def test_the_list_takes_the_same_queries_for_one_and_for_ten_numbers(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection, django_assert_max_num_queries: Callable
) -> None:
    factories.ConnectionFactory.create_batch(9, business_profile=connection.business_profile)
    client = client_of(owner)
    client.get(reverse("connections:list"))
    with django_assert_max_num_queries(12):
        client.get(reverse("connections:list"))


# -- QR code -----------------------------------------------------------------------------------------------------------


def test_an_owner_sees_the_code_as_a_drawing_with_a_countdown(
    client_of: ClientOf, owner: User, pending: WhatsAppConnection
) -> None:
    response = client_of(owner).get(url("detail", pending))
    page = response.content.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert "Code 2 of 5" in page
    assert "data-expires-in=" in page
    assert " style=" not in page
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("route", ["detail", "state"])
def test_neither_agent_nor_viewer_sees_the_code(
    client_of: ClientOf, teammate: User, viewer: User, pending: WhatsAppConnection, route: str
) -> None:
    for person in (teammate, viewer):
        response = client_of(person).get(url(route, pending))
        page = response.content.decode()
        assert response.status_code == 200
        assert "wf-qr" not in page
        assert SECRET_QR not in page
        assert "no-store" in response.headers["Cache-Control"]


def test_the_codes_own_address_is_closed_to_agents_and_viewers(
    client_of: ClientOf, teammate: User, viewer: User, admin_member: User, pending: WhatsAppConnection
) -> None:
    assert client_of(teammate).get(url("qr", pending)).status_code == 403
    assert client_of(viewer).get(url("qr", pending)).status_code == 403
    allowed = client_of(admin_member).get(url("qr", pending), **HTMX)
    assert allowed.status_code == 200
    assert "no-store" in allowed.headers["Cache-Control"]
    assert SECRET_QR.encode() not in allowed.content


def test_a_pairing_code_is_shown_to_those_who_may_link_and_to_nobody_else(
    client_of: ClientOf, owner: User, teammate: User, viewer: User, pending: WhatsAppConnection
) -> None:
    pending.qr_code, pending.pairing_code, pending.pairing_phone = "", "ABCD1234", "+4915110000001"
    pending.save()
    shown = client_of(owner).get(url("detail", pending))
    assert "<code>ABCD1234</code>" in shown.content.decode()
    assert "type the code shown here" in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    for person in (teammate, viewer):
        assert b"ABCD1234" not in client_of(person).get(url("detail", pending)).content
    pending.status = Status.SYNCING
    pending.save()
    assert b"ABCD1234" not in client_of(owner).get(url("detail", pending)).content


def test_the_same_code_is_not_sent_again(
    client_of: ClientOf, owner: User, pending: WhatsAppConnection
) -> None:
    client = client_of(owner)
    first = client.get(url("qr", pending), **HTMX)
    assert client.get(url("qr", pending), {"seen": first.context["code"].version}, **HTMX).status_code == 204
    pending.qr_code = "2@the-next-one"
    pending.save()
    assert client.get(url("qr", pending), {"seen": first.context["code"].version}, **HTMX).status_code == 200


@pytest.mark.parametrize("how", ["expired", "scanned"])
def test_a_code_that_is_over_is_not_shown(
    client_of: ClientOf, owner: User, pending: WhatsAppConnection, how: str
) -> None:
    if how == "expired":
        pending.qr_expires_at = timezone.now() - timedelta(seconds=1)
    else:
        pending.status = Status.CONNECTED
    pending.save()
    client = client_of(owner)
    response = client.get(url("qr", pending), **HTMX)
    assert response.status_code == 204
    assert response.headers["HX-Trigger"] == "connection-changed"
    assert "wf-qr-figure" not in client.get(url("detail", pending)).content.decode()


def test_after_five_codes_the_page_offers_a_new_one(
    client_of: ClientOf, owner: User, resting: WhatsAppConnection
) -> None:
    resting.status_reason = Reason.QR_EXPIRED
    resting.save()
    page = client_of(owner).get(url("detail", resting)).content.decode()
    assert "Nobody scanned the QR code" in page
    assert "Show a new code" in page


# -- one number --------------------------------------------------------------------------------------------------------


def test_a_connected_number_tells_its_health_and_leads_to_inbox_and_phone(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    connection.last_proof_at = timezone.now()
    connection.save()
    page = client_of(owner).get(url("detail", connection)).content.decode()
    for words in ("Connected", "Last sign of life", "Waiting to be sent", "Sent today", "Open the inbox"):
        assert words in page
    assert url("phone", connection) in page


def test_the_page_counts_what_waits_and_what_was_sent_today(
    client_of: ClientOf, owner: User, conversation: object, connection: WhatsAppConnection
) -> None:
    factories.MessageFactory(conversation=conversation, outbound=True, sent_at=timezone.now())
    factories.MessageFactory(
        conversation=conversation, outbound=True, sent_at=timezone.now() - timedelta(days=3)
    )
    factories.MessageFactory.create_batch(2, conversation=conversation, outbound=True, status="queued")
    traffic = client_of(owner).get(url("detail", connection)).context["card"].traffic
    assert (traffic.queued, traffic.sent_today) == (2, 1)


def test_viewers_see_the_state_and_no_buttons(
    client_of: ClientOf, viewer: User, connection: WhatsAppConnection
) -> None:
    page = client_of(viewer).get(url("detail", connection)).content.decode()
    assert "Connected" in page
    for route in ("disconnect", "logout", "rename", "delete"):
        assert url(route, connection) not in page


def test_htmx_gets_the_state_alone_and_nothing_while_it_is_the_same(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    client = client_of(owner)
    partial = client.get(url("state", connection), **HTMX)
    assert b"<html" not in partial.content
    seen = {"seen": partial.context["version"]}
    assert client.get(url("state", connection), seen, **HTMX).status_code == 204
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        status=Status.DEGRADED, status_changed_at=timezone.now()
    )
    assert b"Not answering" in client.get(url("state", connection), seen, **HTMX).content
    assert b"<html" in client.get(url("state", connection)).content


def test_a_name_with_markup_stays_text(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    connection.name = "<script>alert(1)</script>"
    connection.save()
    client = client_of(owner)
    for address in (reverse("connections:list"), url("detail", connection), url("phone", connection)):
        assert b"<script>alert" not in client.get(address).content


# -- verbs -------------------------------------------------------------------------------------------------------------


def test_an_admin_adds_a_sandbox_number_and_asks_for_its_code(
    client_of: ClientOf, admin_member: User, business: object
) -> None:
    response = client_of(admin_member).post(
        reverse("connections:create"), {"mode": "sandbox", "name": "Support"}
    )
    made = WhatsAppConnection.objects.get(business_profile=business)
    assert response.headers["Location"] == url("detail", made)
    assert (made.name, made.desired, made.status) == ("Support", Desired.ONLINE, Status.STARTING)
    assert made.sandbox_phone.number.startswith("+999")


def test_only_modes_with_a_driver_are_offered_and_taken(
    client_of: ClientOf, owner: User, business: object
) -> None:
    client = client_of(owner)
    assert "Sandbox" in client.get(reverse("connections:create")).content.decode()
    refused = client.post(reverse("connections:create"), {"mode": "baileys"})
    assert refused.status_code == 422
    assert not WhatsAppConnection.objects.filter(business_profile=business).exists()


def test_one_click_makes_a_sandbox_number_that_scans_itself(
    client_of: ClientOf, owner: User, business: object
) -> None:
    client = client_of(owner)
    response = client.post(reverse("connections:try_sandbox"))
    made = WhatsAppConnection.objects.get(business_profile=business)
    assert response.headers["Location"] == url("detail", made)
    assert made.settings["auto_scan"] is True
    assert client.post(reverse("connections:try_sandbox")).headers["Location"] == url("detail", made)


def test_connect_and_disconnect_say_what_is_wanted(
    client_of: ClientOf, owner: User, resting: WhatsAppConnection
) -> None:
    client = client_of(owner)
    client.post(url("connect", resting))
    resting.refresh_from_db()
    assert (resting.desired, resting.status) == (Desired.ONLINE, Status.STARTING)
    client.post(url("disconnect", resting))
    resting.refresh_from_db()
    assert (resting.desired, resting.status) == (Desired.OFFLINE, Status.DISCONNECTED)


def test_logging_out_is_confirmed_by_name_first(
    client_of: ClientOf, owner: User, resting: WhatsAppConnection
) -> None:
    resting.session_data = "login"
    resting.save()
    client = client_of(owner)
    assert "Log out" in client.get(url("logout", resting)).content.decode()
    resting.refresh_from_db()
    assert resting.desired == Desired.OFFLINE
    client.post(url("logout", resting))
    resting.refresh_from_db()
    assert resting.desired == Desired.LOGGED_OUT


def test_a_number_is_renamed(client_of: ClientOf, owner: User, connection: WhatsAppConnection) -> None:
    client = client_of(owner)
    assert client.post(url("rename", connection), {"name": "Front desk"}).status_code == 302
    connection.refresh_from_db()
    assert connection.name == "Front desk"
    refused = client.post(url("rename", connection), {"name": "x" * 101})
    assert refused.status_code == 422
    connection.refresh_from_db()
    assert connection.name == "Front desk"


def test_deleting_takes_the_typed_name(client_of: ClientOf, owner: User, resting: WhatsAppConnection) -> None:
    client = client_of(owner)
    wrong = client.post(url("delete", resting), {"confirmation": "Something else"})
    assert wrong.status_code == 422
    assert "This is not the name" in wrong.content.decode()
    assert WhatsAppConnection.objects.filter(pk=resting.pk).exists()
    done = client.post(url("delete", resting), {"confirmation": "shop"})
    assert done.headers["Location"] == reverse("connections:list")
    assert not WhatsAppConnection.objects.filter(pk=resting.pk).exists()


def test_a_connected_number_is_not_deleted(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    client = client_of(owner)
    assert "Disconnect it first" in client.get(url("delete", connection)).content.decode()
    assert client.post(url("delete", connection), {"confirmation": "Shop"}).status_code == 422
    assert WhatsAppConnection.objects.filter(pk=connection.pk).exists()


def test_a_pairing_code_that_the_driver_cannot_give_is_refused(
    client_of: ClientOf, owner: User, resting: WhatsAppConnection
) -> None:
    response = client_of(owner).post(url("pair", resting), {"phone_number": "nonsense"})
    assert response.status_code == 422
    resting.refresh_from_db()
    assert resting.desired == Desired.OFFLINE


# -- roles and tenants -------------------------------------------------------------------------------------------------

GETS = ["detail", "state", "qr", "logout", "delete"]
POSTS = ["connect", "pair", "disconnect", "logout", "rename", "delete"]


def test_agents_and_viewers_change_nothing(
    client_of: ClientOf, teammate: User, viewer: User, connection: WhatsAppConnection
) -> None:
    before = WhatsAppConnection.objects.values().get()
    for person in (teammate, viewer):
        client = client_of(person)
        assert all(client.post(url(name, connection)).status_code == 403 for name in POSTS)
        assert client.get(url("delete", connection)).status_code == 403
        assert client.post(reverse("connections:create"), {"mode": "sandbox"}).status_code == 403
        assert client.post(reverse("connections:try_sandbox")).status_code == 403
    assert WhatsAppConnection.objects.values().get() == before


def test_a_stranger_finds_nothing_of_another_business(
    client_of: ClientOf, stranger: User, other_business: object, pending: WhatsAppConnection
) -> None:
    client = client_of(stranger)
    for name in GETS:
        response = client.get(url(name, pending))
        assert response.status_code == 404
        assert SECRET_QR.encode() not in response.content
    for name in POSTS:
        assert client.post(url(name, pending)).status_code == 404
    pending.refresh_from_db()
    assert pending.status == Status.QR_PENDING


def test_anonymous_people_are_sent_to_the_login(client: Client, connection: WhatsAppConnection) -> None:
    for address in (reverse("connections:list"), url("detail", connection), url("qr", connection)):
        assert client.get(address).headers["Location"].startswith(reverse("accounts:login"))


def test_changes_need_post_and_a_token(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    for name in ("connect", "disconnect", "rename", "pair"):
        assert client_of(owner).get(url(name, connection)).status_code == 405
    assert client_of(owner, csrf=True).post(url("disconnect", connection)).status_code == 403
