"""Files of messages over HTTP: taken in, handed out to members alone, and harmless in a browser."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import BusinessProfile, User
from messaging.models import Conversation, MediaFile, Message
from tests import factories

HTMX = {"HX-Request": "true"}
ClientOf = Callable[..., Client]

pytestmark = pytest.mark.usefixtures("media_root")


@pytest.fixture
def client(client_of: ClientOf, teammate: User) -> Client:
    return client_of(teammate)


def picture(name: str = "cake.png") -> SimpleUploadedFile:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 60, 60)).save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue(), "image/png")


def stored(business: BusinessProfile, content: bytes = b"0123456789", **fields: str) -> MediaFile:
    row = factories.MediaFileFactory.build(business_profile=business, size=len(content), **fields)
    row.file.save("file", ContentFile(content), save=False)
    row.thumbnail.save("thumbnail", ContentFile(b"small"), save=False)
    row.save()
    return row


def url(row: MediaFile, name: str = "media") -> str:
    return reverse(f"messaging:{name}", args=[row.pk])


def body(response: object) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


# -- in --------------------------------------------------------------------------------------------


def test_an_upload_answers_with_what_to_send(client: Client, conversation: Conversation) -> None:
    response = client.post(reverse("messaging:upload"), {"file": picture()}, headers=HTMX)
    assert response.status_code == 201
    data = response.json()
    assert (data["kind"], data["name"]) == ("image", "cake.png")
    send = reverse("messaging:send", args=[conversation.pk])
    html = client.post(send, {"text": "Look", "attachment": data["id"]}, headers=HTMX).content.decode()
    assert Message.objects.get().message_type == "image"
    assert url(MediaFile.objects.get(), "thumbnail") in html


def test_a_file_can_be_sent_with_a_plain_form(client: Client, conversation: Conversation) -> None:
    send = reverse("messaging:send", args=[conversation.pk])
    assert client.post(send, {"text": "Look", "file": picture()}).status_code == 302
    assert Message.objects.get().media is not None


HOSTILE = [
    ("page.html", b"<!doctype html><script>alert(1)</script>"),
    ("picture.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    ("run.exe", b"MZ\x90\x00"),
    ("picture.png", b"<html><body>not a picture</body></html>"),
    ("run.js", b"alert(1)"),
]


@pytest.mark.parametrize(("name", "content"), HOSTILE)
def test_any_file_can_be_sent_and_is_only_ever_downloaded(
    name: str, content: bytes, client: Client, conversation: Conversation
) -> None:
    file = SimpleUploadedFile(name, content, "image/png")
    data = client.post(reverse("messaging:upload"), {"file": file}, headers=HTMX).json()
    send = reverse("messaging:send", args=[conversation.pk])
    html = client.post(send, {"attachment": data["id"]}, headers=HTMX).content.decode()
    assert f'<span class="message-file-name" dir="auto">{name}</span>' in html
    assert Message.objects.get().message_type == "document"
    response = client.get(url(MediaFile.objects.get()))
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] in ("application/octet-stream", "text/plain")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_file_over_the_limit_is_refused_with_both_sizes(client: Client, settings) -> None:  # type: ignore[no-untyped-def]
    settings.MEDIA_MAX_BYTES = {**settings.MEDIA_MAX_BYTES, "document": 1024}
    file = SimpleUploadedFile("notes.txt", b"x" * 4096, "text/plain")
    response = client.post(reverse("messaging:upload"), {"file": file}, headers=HTMX)
    assert response.status_code == 422
    assert "at most" in response["HX-Trigger"]


def test_an_upload_without_a_file_says_so(client: Client) -> None:
    response = client.post(reverse("messaging:upload"), headers=HTMX)
    assert response.status_code == 422
    assert "Choose a file" in response["HX-Trigger"]


def test_a_viewer_uploads_nothing(client_of: ClientOf, viewer: User) -> None:
    assert client_of(viewer).post(reverse("messaging:upload"), {"file": picture()}).status_code == 403
    assert not MediaFile.objects.exists()


# -- out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["media", "thumbnail"])
def test_only_members_get_a_file(
    name: str,
    client_of: ClientOf,
    viewer: User,
    stranger: User,
    business: BusinessProfile,
    other_business: BusinessProfile,
) -> None:
    row = stored(business)
    assert client_of(viewer).get(url(row, name)).status_code == 200
    assert client_of(stranger).get(url(row, name)).status_code == 404
    assert Client().get(url(row, name)).status_code == 302


@pytest.mark.parametrize(
    ("kind", "mime", "disposition", "declared"),
    [
        ("image", "image/png", "inline", "image/png"),
        ("video", "video/mp4", "inline", "video/mp4"),
        ("audio", "audio/ogg", "inline", "audio/ogg"),
        ("document", "application/pdf", "attachment", "application/pdf"),
        ("document", "text/plain", "attachment", "text/plain"),
        ("document", "text/html", "attachment", "application/octet-stream"),
        ("document", "image/svg+xml", "attachment", "application/octet-stream"),
        ("document", "image/png", "attachment", "application/octet-stream"),
        ("document", "video/quicktime", "attachment", "application/octet-stream"),
        ("image", "image/svg+xml", "attachment", "application/octet-stream"),
        ("image", "text/html", "attachment", "application/octet-stream"),
    ],
)
def test_only_harmless_types_are_shown_in_place(
    kind: str, mime: str, disposition: str, declared: str, client: Client, business: BusinessProfile
) -> None:
    response = client.get(url(stored(business, kind=kind, mime=mime, name="a file.bin")))
    assert response["Content-Disposition"].startswith(disposition)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response["Cache-Control"].startswith("private")
    assert response["Content-Type"] == declared
    assert body(response) == b"0123456789"


def test_a_picture_can_be_downloaded_too(client: Client, business: BusinessProfile) -> None:
    response = client.get(url(stored(business)) + "?download")
    assert response["Content-Disposition"].startswith("attachment")


def test_a_hostile_name_stays_a_name(client: Client, business: BusinessProfile) -> None:
    response = client.get(url(stored(business, mime="application/pdf", name='a"\r\nX-Evil: 1\u202efdp.exe')))
    assert "X-Evil" not in response
    assert "\u202e" not in response["Content-Disposition"]


@pytest.mark.parametrize(
    ("asked", "status", "part", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-999", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=-999", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", ""),
        ("lines=1-2", 200, b"0123456789", ""),
        ("bytes=-", 200, b"0123456789", ""),
    ],
)
def test_a_player_may_ask_for_a_part(
    asked: str, status: int, part: bytes, content_range: str, client: Client, business: BusinessProfile
) -> None:
    response = client.get(url(stored(business, mime="video/mp4")), headers={"Range": asked})
    assert response.status_code == status
    assert body(response) == part
    assert response.get("Content-Range", "") == content_range
    assert response["Content-Length"] == str(len(part))
    assert response["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=5-2", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused(asked: str, client: Client, business: BusinessProfile) -> None:
    response = client.get(url(stored(business)), headers={"Range": asked})
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */10"


def test_a_file_that_is_gone_is_not_found(
    client: Client, business: BusinessProfile, media_root: Path
) -> None:
    row = stored(business)
    row.file.storage.delete(row.file.name)
    assert client.get(url(row)).status_code == 404
    assert client.get(url(factories.MediaFileFactory(business_profile=business))).status_code == 404


@pytest.mark.parametrize(
    ("kind", "mime", "name", "declared", "disposition"),
    [
        ("document", "application/pdf", "menu.pdf", "application/pdf", 'attachment; filename="menu.pdf"'),
        ("document", "text/html", "a.html", "application/octet-stream", 'attachment; filename="a.html"'),
        ("document", "image/jpeg", "big.jpg", "application/octet-stream", 'attachment; filename="big.jpg"'),
        (
            "document",
            "text/html",
            "a\u202elmth.exe",
            "application/octet-stream",
            'attachment; filename="a_lmth.exe"',
        ),
        ("image", "image/png", "a.png", "image/png", 'inline; filename="a.png"'),
    ],
)
def test_with_an_s3_store_the_answer_is_a_signed_link(
    kind: str,
    mime: str,
    name: str,
    declared: str,
    disposition: str,
    client: Client,
    business: BusinessProfile,
    settings,
) -> None:  # type: ignore[no-untyped-def]
    settings.S3_BUCKET = "bucket"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "core.files.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": "bucket",
                "access_key": "key",
                "secret_key": "secret",
                "region_name": "eu-west-1",
                "querystring_expire": 300,
            },
        },
    }
    row = factories.MediaFileFactory(
        business_profile=business, kind=kind, mime=mime, name=name, file="media/x/y"
    )
    response = client.get(url(row))
    assert response.status_code == 302
    query = parse_qs(urlsplit(response["Location"]).query)
    assert query["X-Amz-Expires"] == ["300"]
    assert query["response-content-type"] == [declared]
    assert query["response-content-disposition"] == [disposition]
    assert response["Cache-Control"] == "private, no-store"
