"""Pages of the simulated phone: linking, chats as the customer sees them, faults, and who may use what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from connections.drivers.sandbox.simulation import QR_PREFIX
from connections.models import SandboxCustomer, SandboxMessage, SandboxPhone, WhatsAppConnection
from tests import factories

HTMX = {"HTTP_HX_REQUEST": "true"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f"
    "0005000201a2d2b1c30000000049454e44ae426082"
)
ClientOf = Callable[..., Client]


@pytest.fixture
def customer(sandbox_phone: SandboxPhone) -> SandboxCustomer:
    return factories.SandboxCustomerFactory(phone=sandbox_phone, name="Ana Souza")


@pytest.fixture
def unlinked(connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number whose QR code is on show, as its driver left it."""
    phone = connection.sandbox_phone
    phone.linked_secret = ""
    phone.qr_secret = "right-secret"
    phone.qr_expires_at = timezone.now() + timedelta(seconds=20)
    phone.save()
    connection.status = WhatsAppConnection.Status.QR_PENDING
    connection.qr_code = f"{QR_PREFIX}:{phone.pk}:{phone.qr_secret}"
    connection.qr_expires_at = phone.qr_expires_at
    connection.save()
    return connection


def url(name: str, of: WhatsAppConnection | SandboxCustomer) -> str:
    return reverse(f"connections:{name}", args=[of.pk])


def says(customer: SandboxCustomer, body: str, **fields: object) -> SandboxMessage:
    return SandboxMessage.objects.create(
        phone=customer.phone,
        customer=customer,
        wa_id=f"id-{SandboxMessage.objects.count()}",
        from_me=bool(fields.pop("from_me", False)),
        body=body,
        **fields,
    )


# -- linked devices ----------------------------------------------------------------------------------------------------


def test_the_phone_tells_whether_it_is_linked(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    response = client_of(owner).get(url("phone", connection))
    page = response.content.decode()
    assert "Linked devices" in page
    assert "Unlink" in page
    assert "no-store" in response.headers["Cache-Control"]


def test_scanning_the_code_on_show_links_the_phone(
    client_of: ClientOf, owner: User, unlinked: WhatsAppConnection
) -> None:
    client = client_of(owner)
    assert f'value="{unlinked.qr_code}"' in client.get(url("phone", unlinked)).content.decode()
    assert client.post(url("phone_scan", unlinked), {"code": unlinked.qr_code}).status_code == 302
    assert SandboxPhone.objects.get(connection=unlinked).linked_secret


def test_a_wrong_code_is_refused_with_words(
    client_of: ClientOf, owner: User, unlinked: WhatsAppConnection
) -> None:
    response = client_of(owner).post(url("phone_scan", unlinked), {"code": "2@another"}, **HTMX)
    assert response.status_code == 422
    assert "not the code that this number shows" in response.content.decode()
    assert not SandboxPhone.objects.get(connection=unlinked).linked_secret


def test_an_expired_code_is_refused_with_words(
    client_of: ClientOf, owner: User, unlinked: WhatsAppConnection
) -> None:
    SandboxPhone.objects.update(qr_expires_at=timezone.now() - timedelta(seconds=1))
    response = client_of(owner).post(url("phone_scan", unlinked), {"code": unlinked.qr_code})
    assert response.status_code == 422
    assert "no longer valid" in response.content.decode()
    assert not SandboxPhone.objects.get(connection=unlinked).linked_secret


def test_scanning_nothing_says_so(client_of: ClientOf, owner: User, unlinked: WhatsAppConnection) -> None:
    response = client_of(owner).post(url("phone_scan", unlinked), {"code": ""})
    assert response.status_code == 422
    assert "There is no code in view" in response.content.decode()


def test_the_phone_unlinks(client_of: ClientOf, owner: User, connection: WhatsAppConnection) -> None:
    client = client_of(owner)
    assert client.post(url("phone_unlink", connection), {"reason": "nonsense"}).status_code == 422
    assert SandboxPhone.objects.get().linked_secret
    assert client.post(url("phone_unlink", connection), {"reason": "banned"}).status_code == 302
    phone = SandboxPhone.objects.get()
    assert (phone.linked_secret, phone.unlink_reason) == ("", "banned")


def test_the_phone_goes_offline_and_online(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    client = client_of(owner)
    client.post(url("phone_online", connection))
    assert SandboxPhone.objects.get().online is False
    assert "Go online" in client.get(url("phone", connection)).content.decode()
    client.post(url("phone_online", connection), {"online": "on"})
    assert SandboxPhone.objects.get().online is True


def test_faults_are_set_and_cleared(client_of: ClientOf, owner: User, connection: WhatsAppConnection) -> None:
    client = client_of(owner)
    client.post(url("phone_faults", connection), {"slow_ms": "1500", "double_events": "on", "fail_next": ""})
    assert SandboxPhone.objects.get().faults == {"slow_ms": 1500, "double_events": True}
    client.post(url("phone_faults", connection), {})
    assert SandboxPhone.objects.get().faults == {}


def test_impossible_faults_are_refused(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    assert client_of(owner).post(url("phone_faults", connection), {"fail_next": "-1"}).status_code == 422
    assert client_of(owner).post(url("phone_speed", connection), {"speed": "99"}).status_code == 422
    assert SandboxPhone.objects.get().faults == {}


def test_the_speed_is_set(client_of: ClientOf, owner: User, connection: WhatsAppConnection) -> None:
    client_of(owner).post(url("phone_speed", connection), {"speed": "0.5"})
    assert SandboxPhone.objects.get().speed == 0.5


# -- customers ---------------------------------------------------------------------------------------------------------


def test_customers_are_listed_with_their_last_words(
    client_of: ClientOf, teammate: User, connection: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    says(customer, "Are you open today?")
    page = client_of(teammate).get(url("phone_customers", connection)).content.decode()
    assert "Ana Souza" in page
    assert "Are you open today?" in page


def test_a_customer_is_added_with_an_own_number(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    fields = {"name": "Zoe", "number": "+999 1234 5678", "persona": "quiet"}
    response = client_of(owner).post(url("phone_add_customer", connection), fields)
    made = SandboxCustomer.objects.get()
    assert response.headers["Location"] == url("phone_customer", made)
    assert (made.name, made.number, made.persona) == ("Zoe", "+99912345678", "quiet")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("hello", "not a phone number"),
        ("+49 30 123456", "begin with +999"),
        ("+9992000000042", "has this number already"),
    ],
)
def test_a_customer_with_an_unusable_number_is_refused(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection, number: str, words: str
) -> None:
    factories.SandboxCustomerFactory(phone=connection.sandbox_phone, number="+9992000000042")
    fields = {"name": "Zoe", "number": number, "persona": "quiet"}
    response = client_of(owner).post(url("phone_add_customer", connection), fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert SandboxCustomer.objects.count() == 1


# -- the chat ----------------------------------------------------------------------------------------------------------


def test_the_chat_shows_what_the_customer_sees(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer
) -> None:
    first = says(customer, "Do you deliver?")
    says(customer, "Yes, daily", from_me=True, quoted_wa_id=first.wa_id)
    page = client_of(teammate).get(url("phone_customer", customer)).content.decode()
    assert page.index("Do you deliver?") < page.index("Yes, daily")
    assert "<blockquote" in page
    assert "wf-bubble-in" in page
    assert "wf-bubble-out" in page


def test_writing_as_the_customer_reaches_the_simulated_whatsapp(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer
) -> None:
    asked = says(customer, "Which colour?", from_me=True)
    response = client_of(teammate).post(
        url("phone_write", customer), {"text": "Blue", "quoted_wa_id": asked.wa_id}, **HTMX
    )
    assert response.status_code == 200
    written = SandboxMessage.objects.get(from_me=False)
    assert (written.body, written.quoted_wa_id, written.customer_id) == ("Blue", asked.wa_id, customer.pk)
    assert b"Blue" in response.content


def test_a_picture_is_sent_and_shown_in_place(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer, media_root: Path
) -> None:
    client = client_of(teammate)
    upload = SimpleUploadedFile("cup.png", PNG, content_type="image/png")
    response = client.post(url("phone_write", customer), {"text": "Look", "upload": upload})
    assert response.headers["Location"] == url("phone_customer", customer)
    message = SandboxMessage.objects.get()
    picture = client.get(reverse("connections:phone_media", args=[message.pk]))
    assert (picture.headers["Content-Type"], b"".join(picture.streaming_content)) == ("image/png", PNG)
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


def test_anything_but_a_picture_is_a_download(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer, media_root: Path
) -> None:
    key = default_storage.save("sandbox/page", ContentFile(b"<script>alert(1)</script>"))
    page = says(customer, "", kind="document", media_key=key, media_mime="text/html", media_name="x.html")
    response = client_of(teammate).get(reverse("connections:phone_media", args=[page.pk]))
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    response.close()


def test_a_file_that_is_gone_is_not_found(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer, media_root: Path
) -> None:
    gone = says(customer, "", kind="image", media_key="sandbox/gone", media_mime="image/png")
    assert client_of(teammate).get(reverse("connections:phone_media", args=[gone.pk])).status_code == 404


@pytest.mark.parametrize(
    ("text", "words"), [("", "Write something"), ("   ", "Write something"), ("x" * 65_537, "at most 65,536")]
)
def test_nothing_and_too_much_are_refused(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer, text: str, words: str
) -> None:
    response = client_of(teammate).post(url("phone_write", customer), {"text": text}, **HTMX)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not SandboxMessage.objects.exists()


def test_the_chat_is_not_sent_again_while_it_is_the_same(
    client_of: ClientOf, teammate: User, customer: SandboxCustomer
) -> None:
    says(customer, "One")
    client = client_of(teammate)
    first = client.get(url("phone_messages", customer), **HTMX)
    seen = {"seen": first.context["shown"].version}
    assert b"<html" not in first.content
    assert client.get(url("phone_messages", customer), seen, **HTMX).status_code == 204
    says(customer, "Two")
    assert b"Two" in client.get(url("phone_messages", customer), seen, **HTMX).content


def test_screens_come_alone_for_htmx_and_whole_otherwise(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    client = client_of(owner)
    for address in (
        url("phone", connection),
        url("phone_customers", connection),
        url("phone_add_customer", connection),
        url("phone_customer", customer),
        url("phone_messages", customer),
    ):
        assert b"<html" in client.get(address).content
        assert b"<html" not in client.get(address, **HTMX).content


def test_what_customers_write_stays_text(client_of: ClientOf, owner: User, customer: SandboxCustomer) -> None:
    customer.name = "<b>Bold</b>"
    customer.save()
    says(customer, "<img src=x onerror=alert(1)>")
    client = client_of(owner)
    for address in (url("phone_customer", customer), url("phone_customers", customer.phone.connection)):
        content = client.get(address).content
        assert b"<img src=x" not in content
        assert b"<b>Bold" not in content


# -- roles and tenants -------------------------------------------------------------------------------------------------

MANAGED = ["phone_scan", "phone_unlink", "phone_online", "phone_speed", "phone_faults", "phone_add_customer"]


def test_agents_write_as_customers_and_do_not_touch_the_phone(
    client_of: ClientOf, teammate: User, unlinked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    client = client_of(teammate)
    page = client.get(url("phone", unlinked)).content.decode()
    assert "right-secret" not in page
    assert "Only an owner or admin" in page
    assert client.get(url("phone_customer", customer)).status_code == 200
    assert all(
        client.post(url(name, unlinked), {"code": unlinked.qr_code}).status_code == 403 for name in MANAGED
    )
    assert not SandboxPhone.objects.get().linked_secret


def test_viewers_have_no_phone(
    client_of: ClientOf, viewer: User, connection: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    client = client_of(viewer)
    assert client.get(url("phone", connection)).status_code == 403
    assert client.get(url("phone_customer", customer)).status_code == 403
    assert client.post(url("phone_write", customer), {"text": "Hi"}).status_code == 403
    assert not SandboxMessage.objects.exists()


def test_a_stranger_finds_no_phone_customer_or_file(
    client_of: ClientOf,
    stranger: User,
    other_business: object,
    connection: WhatsAppConnection,
    customer: SandboxCustomer,
) -> None:
    message = says(customer, "Private")
    client = client_of(stranger)
    for name in ("phone", "phone_customers", "phone_add_customer"):
        assert client.get(url(name, connection)).status_code == 404
    for name in ("phone_customer", "phone_messages"):
        assert client.get(url(name, customer)).status_code == 404
    for name in MANAGED:
        assert client.post(url(name, connection)).status_code == 404
    assert client.post(url("phone_write", customer), {"text": "Hi"}).status_code == 404
    assert client.get(reverse("connections:phone_media", args=[message.pk])).status_code == 404
    assert SandboxMessage.objects.count() == 1


def test_a_real_number_has_no_simulated_phone(client_of: ClientOf, owner: User, business: object) -> None:
    real = factories.ConnectionFactory(business_profile=business, connection_mode="whatsapp-web")
    assert client_of(owner).get(url("phone", real)).status_code == 404


def test_the_customer_sees_that_the_business_is_typing(
    client_of: ClientOf, owner: User, connection: WhatsAppConnection
) -> None:
    person = factories.SandboxCustomerFactory(phone=connection.sandbox_phone)
    address = reverse("connections:phone_messages", args=[person.pk])
    assert "typing…" not in client_of(owner).get(address, **HTMX).content.decode()
    type(person).objects.filter(pk=person.pk).update(sees_typing_until=timezone.now() + timedelta(seconds=5))
    assert "typing…" in client_of(owner).get(address, **HTMX).content.decode()
