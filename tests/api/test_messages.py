"""Messages, conversations and files by the API."""

import http.server
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from accounts.models import IdempotencyRecord
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import api_send
from messaging.payloads import message_data
from messaging.services import typing_notices
from tests.factories import (
    ConnectionFactory,
    ContactFactory,
    ConversationFactory,
    MediaFileFactory,
    MessageFactory,
)

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63f8cfc0f01f0005000 1ff89993d1d0000000049454e44ae426082".replace(" ", "")
)


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def talk(conversation):
    """Five messages of one conversation, a minute apart; the last one is ours."""
    made = [MessageFactory(conversation=conversation, content=f"m{number}") for number in range(4)]
    made.append(MessageFactory(conversation=conversation, content="m4", outbound=True))
    for number, message in enumerate(made):
        moment = timezone.now() - timedelta(minutes=10 - number)
        Message.objects.filter(pk=message.pk).update(created_at=moment)
    return made


# -- reading -----------------------------------------------------------------------------------------


def test_get_messages(program, talk, django_assert_num_queries):
    program.get("messages")
    with django_assert_num_queries(2):  # the key, the page with contacts and files
        answer = program.get("messages?limit=2")
    assert [row["content"] for row in data(answer)] == ["m4", "m3"]
    following = program.get(f"messages?limit=2&cursor={answer.json()['meta']['nextCursor']}")
    assert [row["content"] for row in data(following)] == ["m2", "m1"]
    assert [row["content"] for row in data(program.get("messages?order=createdAt&limit=1"))] == ["m0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("direction=outbound", ["m4"]),
        ("status=sent,read", ["m4"]),
        ("status=failed", []),
        ("origin=customer&limit=1", ["m3"]),
        ("messageType=image", []),
        ("contactId={contact}&direction=outbound", ["m4"]),
        ("conversationId={conversation}&limit=1", ["m4"]),
        ("createdAfter=2100-01-01T00:00:00Z", []),
        ("createdBefore=2000-01-01T00:00:00Z", []),
    ],
)
def test_messages_are_filtered(program, talk, conversation, query, found):
    asked = query.format(contact=conversation.contact_id, conversation=conversation.pk)
    assert [row["content"] for row in data(program.get(f"messages?{asked}"))] == found


def test_get_messages_id(program, talk):
    row = data(program.get(f"messages/{talk[4].pk}"))
    assert (row["content"], row["status"], row["contact"]["name"]) == ("m4", "sent", "Carla Customer")
    assert set(row) == set(message_data(talk[4]))


def test_get_messages_contact_id(program, business, talk, contact):
    other = ContactFactory(business_profile=business)
    assert len(data(program.get(f"messages/contact/{contact.pk}"))) == 5
    assert data(program.get(f"messages/contact/{other.pk}")) == []


# -- POST /messages/send -----------------------------------------------------------------------------


def test_post_messages_send(program, connection):
    """The specification's example."""
    sent = data(program.post("messages/send", {"phoneNumber": "+9992000000123", "message": "Hello"}), 201)
    message = Message.objects.get(pk=sent["messageId"])
    assert (sent["status"], message.content, message.origin) == ("queued", "Hello", "api")
    assert message.contact.phone_number == "+9992000000123"
    assert (message.sender, sent["timestamp"][-1]) == (None, "Z")


def test_a_persons_message_names_its_sender(as_person, teammate, connection, contact):
    sent = data(
        as_person(teammate).post("messages/send", {"contactId": str(contact.pk), "message": "x"}), 201
    )
    assert Message.objects.get(pk=sent["messageId"]).sender == teammate


def test_a_message_goes_from_the_number_they_last_talked_with(program, business, conversation):
    ConnectionFactory(business_profile=business)
    sent = data(
        program.post("messages/send", {"contactId": str(conversation.contact_id), "message": "x"}), 201
    )
    assert sent["conversationId"] == str(conversation.pk)


def test_a_message_goes_from_the_number_that_is_named(program, business, conversation):
    second = ConnectionFactory(business_profile=business)
    sent = {"contactId": str(conversation.contact_id), "connectionId": str(second.pk), "message": "x"}
    assert data(program.post("messages/send", sent), 201)["connectionId"] == str(second.pk)
    sent = {"conversationId": str(conversation.pk), "connectionId": str(second.pk), "message": "x"}
    assert program.post("messages/send", sent).status_code == 404


def test_a_message_answers_another(program, conversation, talk):
    sent = {"conversationId": str(conversation.pk), "message": "Yes", "replyToId": str(talk[0].pk)}
    made = data(program.post("messages/send", sent), 201)
    assert Message.objects.get(pk=made["messageId"]).reply_to_wa_id == talk[0].whatsapp_message_id


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({"message": "x"}, (422, "no_recipient")),
        ({"phoneNumber": "+9992000000123", "contactId": "{contact}", "message": "x"}, (422, "no_recipient")),
        ({"phoneNumber": "+9992000000123"}, (422, "empty_message")),
        ({"phoneNumber": "+9992000000123", "message": "   "}, (422, "empty_message")),
        ({"phoneNumber": "12", "message": "x"}, (422, "invalid_phone_number")),
        ({"phoneNumber": "+9992000000123", "mediaUrl": "http://example.com/a.png"}, (422, "https_required")),
        (
            {"phoneNumber": "+9992000000123", "mediaUrl": "https://10.0.0.1/a.png"},
            (422, "address_not_public"),
        ),
        ({"phoneNumber": "+9992000000123", "mediaUrl": "nonsense"}, (422, "invalid_url")),
    ],
)
def test_what_cannot_be_sent_is_refused(program, connection, contact, sent, refusal):
    filled = {name: value.format(contact=contact.pk) for name, value in sent.items()}
    answer = program.post("messages/send", filled)
    assert code(answer) == refusal
    assert not Message.objects.exists()


def test_without_a_number_nothing_can_be_sent(program, business):
    answer = program.post("messages/send", {"phoneNumber": "+9992000000123", "message": "x"})
    assert code(answer) == (409, "no_number")


def test_other_tenants_rows_cannot_be_used(program, business, connection, other_business):
    theirs = ConversationFactory(business_profile=other_business)
    media = MediaFileFactory(business_profile=other_business)
    mine = {"phoneNumber": "+9992000000123", "message": "x"}
    for sent in (
        {"conversationId": str(theirs.pk), "message": "x"},
        {"contactId": str(theirs.contact_id), "message": "x"},
        {**mine, "connectionId": str(theirs.connection_id)},
        {**mine, "mediaId": str(media.pk)},
        {**mine, "replyToId": str(MessageFactory(conversation=theirs).pk)},
    ):
        assert program.post("messages/send", sent).status_code == 404
    assert not Message.objects.filter(business_profile=business).exists()


def test_wait_answers_with_the_status_that_came(program, connection, monkeypatch):
    def runner(_seconds):
        Message.objects.update(status="sent")

    monkeypatch.setattr(api_send.time, "sleep", runner)
    sent = program.post("messages/send?wait=5", {"phoneNumber": "+9992000000123", "message": "x"})
    assert data(sent, 201)["status"] == "sent"


def test_wait_gives_up(program, connection, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(api_send.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(api_send.time, "sleep", lambda _seconds: None)
    sent = program.post("messages/send?wait=3", {"phoneNumber": "+9992000000123", "message": "x"})
    assert data(sent, 201)["status"] == "queued"
    assert (
        program.post("messages/send?wait=11", {"phoneNumber": "+9992000000123", "message": "x"}).status_code
        == 400
    )


@pytest.mark.django_db(transaction=True)
def test_ten_equal_sends_at_once_make_one_message(as_program, business, connection):
    program = as_program(business)
    body = {"phoneNumber": "+9992000000123", "message": "Once"}

    def send(_number):
        try:
            return program.post("messages/send", body, idempotency_key="order-1").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(send, range(10)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert program.post("messages/send", body, idempotency_key="order-1").status_code == 201
    assert Message.objects.count() == 1
    other = program.post("messages/send", {**body, "message": "Other"}, idempotency_key="order-1")
    assert code(other) == (422, "idempotency_key_reused")


def test_what_was_sent_before_its_process_died_is_not_sent_again(program, connection):
    """The message was committed and its answer was not; the caller asks again, as callers do."""
    body = {"phoneNumber": "+9992000000123", "message": "Once"}
    first = data(program.post("messages/send", body, idempotency_key="order-1"), 201)
    long_ago = timezone.now() - timedelta(minutes=4)
    IdempotencyRecord.objects.update(status=None, answer="", started_at=long_ago)

    again = data(program.post("messages/send", body, idempotency_key="order-1"), 201)

    assert again["messageId"] == first["messageId"]
    assert Message.objects.count() == 1
    data(program.post("messages/send", body, idempotency_key="order-2"), 201)
    assert Message.objects.count() == 2


# -- files -------------------------------------------------------------------------------------------


def upload(program, name="cake.png", content=PNG, **headers):
    named = {"x-api-key": program.headers["x_api_key"], **headers}
    sent = {"file": SimpleUploadedFile(name, content)}
    return program._client.post("/api/v1/media", sent, headers=named)


def test_a_file_is_uploaded_sent_and_fetched(program, connection, media_root):
    row = data(upload(program), 201)
    assert (row["kind"], row["state"]) == ("image", "ready")
    sent = {"phoneNumber": "+9992000000123", "mediaId": row["id"], "message": "Look"}
    made = data(program.post("messages/send", sent), 201)
    message = data(program.get(f"messages/{made['messageId']}"))
    assert (message["messageType"], message["media"]["id"]) == ("image", row["id"])
    assert data(program.get(f"media/{row['id']}"))["mime"] == "image/png"
    got = program.get(f"media/{row['id']}/file")
    assert (got.status_code, got["Content-Type"]) == (200, "application/octet-stream")
    assert b"".join(got.streaming_content).startswith(b"\x89PNG")


def test_an_upload_can_be_repeated(program, business, media_root):
    first = upload(program, **{"idempotency-key": "k"})
    second = upload(program, **{"idempotency-key": "k"})
    assert first.json() == second.json()
    assert upload(program, content=PNG + b"x", **{"idempotency-key": "k"}).status_code == 422
    assert MediaFile.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("x.html", b"<script>alert(1)</script>"),
        ("x.zip", b"PK\x03\x04\x00"),
    ],
)
def test_any_file_is_taken_as_a_document_and_only_ever_downloaded(
    program, connection, media_root, name, content
):
    row = data(upload(program, name, content), 201)
    assert (row["kind"], row["name"], row["size"]) == ("document", name, len(content))
    sent = {"phoneNumber": "+9992000000123", "mediaId": row["id"]}
    assert data(program.post("messages/send", sent), 201)["status"] == "queued"
    got = program.get(f"media/{row['id']}/file")
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"] == f'attachment; filename="{name}"'
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_file_over_the_limit_says_so(program, business, media_root, settings):
    settings.MEDIA_MAX_BYTES = {**settings.MEDIA_MAX_BYTES, "document": 1024}
    assert code(upload(program, "x.zip", b"PK\x03\x04" + b"\x00" * 2048)) == (422, "file_too_large")


@pytest.mark.parametrize(
    ("state", "error_code", "words"),
    [
        ("failed", "media_gone", "WhatsApp no longer has this file"),
        ("failed", "file_too_large", "larger than 100"),
        ("failed", "forbidden_type", "Files of this type were not kept"),
        ("wanted", "storage_full", "will be tried again"),
        ("wanted", "", ""),
        ("ready", "", ""),
    ],
)
def test_why_a_file_is_not_here_is_told(program, conversation, state, error_code, words):
    media = MediaFileFactory(
        business_profile=conversation.business_profile,
        state=state,
        error_code=error_code,
        name="a.pdf",
        size=7,
    )
    message = MessageFactory(conversation=conversation, message_type="document", media=media)
    for told in (
        data(program.get(f"messages/{message.pk}"))["media"],
        data(program.get("messages"))[0]["media"],
        data(program.get(f"media/{media.pk}")),
    ):
        assert (told["state"], told["errorCode"], told["name"], told["size"]) == (
            state,
            error_code,
            "a.pdf",
            7,
        )
        assert words in told["errorMessage"]
        assert bool(words) == bool(told["errorMessage"])


def test_broken_uploads_are_refused(program, business, media_root):
    assert upload(program, "x.png", b"").status_code == 400
    assert (
        program._client.post("/api/v1/media", headers={"x-api-key": program.headers["x_api_key"]}).status_code
        == 400
    )


@pytest.fixture
def shop(settings):
    """A web server that has one picture; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/cake.png"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(PNG if found else b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_port}"
    settings.OUTBOUND_HTTP_ALLOWED_HOSTS = [place]
    yield f"http://{place}"
    server.shutdown()
    server.server_close()


def test_the_file_at_an_address_is_sent(program, connection, media_root, shop):
    sent = {"phoneNumber": "+9992000000123", "message": "Look", "mediaUrl": f"{shop}/cake.png"}
    made = data(program.post("messages/send", sent), 201)
    message = Message.objects.get(pk=made["messageId"])
    assert (message.message_type, message.media.name, message.content) == ("image", "cake.png", "Look")


def test_an_address_without_a_file_sends_nothing(program, connection, media_root, shop):
    sent = {"phoneNumber": "+9992000000123", "mediaUrl": f"{shop}/gone.png"}
    assert code(program.post("messages/send", sent)) == (422, "media_unavailable")
    assert not Message.objects.exists()


# -- what is done with messages ----------------------------------------------------------------------


def test_post_messages_id_cancel(program, conversation):
    waiting = MessageFactory(conversation=conversation, outbound=True, status="queued")
    assert data(program.post(f"messages/{waiting.pk}/cancel"))["status"] == "cancelled"
    assert code(program.post(f"messages/{waiting.pk}/cancel")) == (409, "already_sent")


def test_post_messages_id_retry(program, conversation, talk):
    failed = MessageFactory(conversation=conversation, outbound=True, status="failed")
    assert data(program.post(f"messages/{failed.pk}/retry"))["status"] == "queued"
    assert code(program.post(f"messages/{talk[0].pk}/retry")) == (409, "not_retryable")


def test_post_messages_id_read(program, conversation, talk):
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=4)
    data(program.post(f"messages/{talk[0].pk}/read"))
    conversation.refresh_from_db()
    assert conversation.unread_count == 0


# -- conversations -----------------------------------------------------------------------------------


def test_get_conversations(program, business, conversation, owner, django_assert_num_queries):
    Conversation.objects.filter(pk=conversation.pk).update(assigned_to=owner, unread_count=2)
    ConversationFactory(business_profile=business)
    program.get("conversations")
    with django_assert_num_queries(2):  # the key, the page
        answer = program.get("conversations")
    assert len(data(answer)) == 2
    mine = data(program.get(f"conversations?assignedToId={owner.pk}&unread=true&state=open"))
    assert [row["assignedTo"]["email"] for row in mine] == [owner.email]
    assert data(program.get("conversations?state=closed")) == []


def test_get_conversations_id(program, conversation):
    assert data(program.get(f"conversations/{conversation.pk}"))["contact"]["name"] == "Carla Customer"


def test_get_conversations_id_messages(program, conversation, talk):
    rows = data(program.get(f"conversations/{conversation.pk}/messages"))
    assert [row["content"] for row in rows] == ["m4", "m3", "m2", "m1", "m0"]


def test_patch_conversations_id(program, conversation, teammate, stranger):
    place = f"conversations/{conversation.pk}"
    row = data(program.patch(place, {"state": "closed", "assignedToId": str(teammate.pk)}))
    assert (row["state"], row["assignedTo"]["id"]) == ("closed", str(teammate.pk))
    assert data(program.patch(place, {"assignedToId": None}))["assignedTo"] is None
    assert code(program.patch(place, {"assignedToId": str(stranger.pk)})) == (422, "not_a_member")


def test_post_conversations_id_read(program, conversation):
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=2)
    assert data(program.post(f"conversations/{conversation.pk}/read"))["unreadCount"] == 0


def test_post_conversations_id_typing(program, conversation):
    place = f"conversations/{conversation.pk}/typing"
    assert program.post(place).status_code == 204
    assert [chat.phone for chat in typing_notices.chats(conversation.connection_id)] == ["+9992000000001"]
    assert program.post(place, {"active": False}).status_code == 204
    assert typing_notices.chats(conversation.connection_id) == []


def test_quick_replies_are_made_changed_and_deleted(program, business):
    made = data(program.post("quick-replies", {"shortcut": "/Hours", "text": "9 to 18"}), 201)
    assert made["shortcut"] == "hours"
    place = f"quick-replies/{made['id']}"
    assert data(program.patch(place, {"text": "10 to 18"}))["shortcut"] == "hours"
    assert data(program.put(place, {"shortcut": "open", "text": "10 to 19"}))["text"] == "10 to 19"
    taken = program.post("quick-replies", {"shortcut": "open", "text": "x"})
    assert code(taken) == (422, "shortcut_taken")
    assert [one["shortcut"] for one in data(program.get("quick-replies"))] == ["open"]
    assert program.delete(place).status_code == 204
    assert program.get(place).status_code == 404
