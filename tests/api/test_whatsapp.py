"""Numbers, the sandbox and jobs by the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.drivers.sandbox.simulation import QR_PREFIX
from connections.models import WhatsAppConnection
from connections.payloads import connection_data
from tests.factories import ConnectionFactory, JobFactory, SandboxCustomerFactory


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def waiting(connection):
    """A number that shows a QR code."""
    WhatsAppConnection.objects.filter(pk=connection.pk).update(status="qr_pending")
    connection.refresh_from_db()
    connection.qr_code = "code-on-show"
    connection.qr_expires_at = timezone.now() + timedelta(minutes=1)
    connection.save()
    return connection


# -- the short paths ---------------------------------------------------------------------------------


def test_get_whatsapp_status(program, business, connection):
    row = data(program.get("whatsapp/status"))
    assert (row["id"], row["status"], row["title"]) == (str(connection.pk), "connected", "Connected")
    assert set(connection_data(connection)) < set(row)
    second = ConnectionFactory(business_profile=business, status="disconnected", name="Second")
    assert data(program.get("whatsapp/status"))["id"] == str(connection.pk)
    assert data(program.get(f"whatsapp/status?connectionId={second.pk}"))["name"] == "Second"


def test_without_any_number_there_is_no_status(program, business):
    assert code(program.get("whatsapp/status")) == (404, "not_found")


def test_post_whatsapp_connect_makes_a_number_if_there_is_none(program, business):
    row = data(program.post("whatsapp/connect", {"connectionMode": "sandbox"}))
    assert (row["connectionMode"], row["status"]) == ("sandbox", "starting")
    again = data(program.post("whatsapp/connect", {}))
    assert again["id"] == row["id"]


def test_post_whatsapp_connect_links_by_pairing_code(program, connection):
    WhatsAppConnection.objects.update(status="disconnected", desired="offline")
    data(program.post("whatsapp/connect", {"phoneNumber": "+9991000000001"}))
    connection.refresh_from_db()
    assert connection.pairing_phone == "+9991000000001"


def test_post_whatsapp_disconnect(program, connection):
    data(program.post("whatsapp/disconnect", {}))
    connection.refresh_from_db()
    assert connection.desired == "offline"


def test_get_whatsapp_qr(program, waiting):
    row = data(program.get("whatsapp/qr"))
    assert (row["qrCode"], row["status"]) == ("code-on-show", "qr_pending")
    assert 0 < row["expiresIn"] <= 60
    picture = program.get("whatsapp/qr.png")
    assert (picture["Content-Type"], picture["Cache-Control"]) == ("image/png", "no-store")
    assert picture.content.startswith(b"\x89PNG")


def test_no_code_is_shown_when_none_waits(program, connection):
    assert data(program.get("whatsapp/qr"))["qrCode"] is None
    assert code(program.get("whatsapp/qr.png")) == (404, "not_found")


def test_a_key_that_only_reads_sees_no_code(as_program, business, waiting):
    reader = as_program(business, scopes=["connections:read"])
    assert reader.get("whatsapp/status").status_code == 200
    for path in ("whatsapp/qr", "whatsapp/qr.png", f"whatsapp/connections/{waiting.pk}/qr"):
        answer = reader.get(path)
        assert code(answer) == (403, "missing_scope")


# -- all numbers -------------------------------------------------------------------------------------


def test_numbers_are_added_listed_renamed_and_deleted(program, business):
    made = data(program.post("whatsapp/connections", {"name": "Shop", "connectionMode": "sandbox"}), 201)
    place = f"whatsapp/connections/{made['id']}"
    assert [row["name"] for row in data(program.get("whatsapp/connections"))] == ["Shop"]
    assert data(program.put(place, {"name": "Branch"}))["name"] == "Branch"
    assert data(program.patch(place, {}))["name"] == "Branch"
    assert data(program.patch(place, {"name": "Second branch"}))["name"] == "Second branch"
    assert data(program.put(place, {"name": "Branch"}))["name"] == "Branch"
    assert data(program.get(place))["name"] == "Branch"
    assert program.delete(place).status_code == 204
    assert data(program.get("whatsapp/connections")) == []


def test_a_connected_number_is_not_deleted(program, connection):
    assert code(program.delete(f"whatsapp/connections/{connection.pk}")) == (409, "still_connected")


def test_numbers_are_connected_and_disconnected(program, connection):
    place = f"whatsapp/connections/{connection.pk}"
    data(program.post(f"{place}/disconnect"))
    connection.refresh_from_db()
    assert connection.desired == "offline"
    data(program.post(f"{place}/connect", {}))
    connection.refresh_from_db()
    assert connection.desired == "online"
    data(program.post(f"{place}/logout"))


def test_a_number_on_hold_is_released(program, connection):
    place = f"whatsapp/connections/{connection.pk}/release"
    assert code(program.post(place, {"send": True})) == (409, "not_held")
    WhatsAppConnection.objects.update(held_since=timezone.now())
    assert program.post(place).status_code == 400
    data(program.post(place, {"send": True}))
    connection.refresh_from_db()
    assert connection.held_since is None


def test_a_numbers_code(program, waiting):
    assert data(program.get(f"whatsapp/connections/{waiting.pk}/qr"))["qrCode"] == "code-on-show"
    assert program.get(f"whatsapp/connections/{waiting.pk}/qr.png").status_code == 200


# -- sandbox -----------------------------------------------------------------------------------------


def test_post_sandbox_scan_makes_a_number_that_links_itself(program, business):
    row = data(program.post("sandbox/scan", {}))
    assert WhatsAppConnection.objects.get(pk=row["id"]).settings["auto_scan"] is True


def test_post_sandbox_scan_scans_what_is_shown(program, waiting):
    phone = waiting.sandbox_phone
    phone.qr_secret, phone.qr_expires_at = "shown", timezone.now() + timedelta(minutes=1)
    phone.save()
    waiting.qr_code = f"{QR_PREFIX}:{phone.pk}:shown"
    waiting.save()
    assert data(program.post("sandbox/scan", {}))["id"] == str(waiting.pk)
    phone.refresh_from_db()
    assert phone.linked_secret == "shown"
    WhatsAppConnection.objects.update(status="starting")
    assert code(program.post("sandbox/scan", {})) == (409, "no_qr")


def test_post_sandbox_messages(program, connection):
    sent = data(program.post("sandbox/messages", {"text": "Hello?", "fromNumber": "+9992000000777"}), 201)
    assert (sent["body"], sent["fromMe"]) == ("Hello?", False)
    customers = data(program.get("sandbox/customers"))
    assert [row["number"] for row in customers] == ["+9992000000777"]
    seen = data(program.get(f"sandbox/messages?customerId={customers[0]['id']}"))
    assert [row["body"] for row in seen] == ["Hello?"]


def test_the_first_customer_writes_when_nobody_is_named(program, connection):
    customer = SandboxCustomerFactory(phone=connection.sandbox_phone)
    sent = data(program.post("sandbox/messages", {"text": "Me"}), 201)
    assert sent["customerId"] == str(customer.pk)


def test_a_real_number_has_no_sandbox(program, business):
    real = ConnectionFactory(business_profile=business, connection_mode="whatsapp-web")
    answer = program.post("sandbox/messages", {"text": "x", "connectionId": str(real.pk)})
    assert code(answer) == (404, "not_found")


# -- jobs --------------------------------------------------------------------------------------------


def test_jobs_are_listed_and_read(program, business):
    job = JobFactory(business_profile=business, title="Import of people.csv")
    assert [row["title"] for row in data(program.get("jobs"))] == ["Import of people.csv"]
    assert data(program.get(f"jobs/{job.pk}"))["state"] == job.state
    assert program.get(f"jobs/{job.pk}/file").status_code in (403, 404)
