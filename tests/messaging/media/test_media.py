"""Files: what they are is told by their content, what is hidden in them is gone, and nobody else sees them."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from itertools import product
from pathlib import Path

import pillow_heif
import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from connections.drivers.base import MediaBlob, MediaRef, MessageKind
from core.decoding import sandbox
from core.errors import InvalidInput, NotFound
from messaging import file_errors
from messaging.inbound import media_jobs, receiver
from messaging.media import filetypes, images, media_files
from messaging.models import MediaFile, Message
from messaging.outbox import dispatch, queue
from messaging.services import maintenance
from tests import factories
from tests.messaging.helpers import ago, begin_one, hello, lease_of
from webhooks.models import PublicEvent

pytestmark = pytest.mark.usefixtures("media_root")


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 400), **options) -> bytes:
    out = io.BytesIO()
    mode = "RGB" if kind == "JPEG" else "RGBA" if kind in ("PNG", "WEBP") else "P"
    Image.new(mode, size, 3 if mode == "P" else "red").save(out, kind, **options)
    return out.getvalue()


def office(part: str = "word/document.xml", *more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("[Content_Types].xml", part, *more):
            archive.writestr(name, "<x/>")
    return out.getvalue()


def upload(business, user, content: bytes, name: str) -> MediaFile:
    return media_files.store_upload(business, user, SimpleUploadedFile(name, content))


MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 64
OGG = b"OggS\x00\x02" + b"\x00" * 20 + b"OpusHead" + b"\x00" * 64
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 64
PDF = b"%PDF-1.7\n" + b"x" * 64


@pytest.mark.parametrize(
    ("content", "name", "kind", "mime", "kept_name"),
    [
        (picture("JPEG"), "a.jpg", "image", "image/jpeg", "a.jpg"),
        (picture("PNG"), "a.exe", "image", "image/png", "a.exe.png"),
        (picture("WEBP"), "", "image", "image/webp", ""),
        (picture("GIF"), "a.gif", "image", "image/gif", "a.gif"),
        (MP4, "film.mp4", "video", "video/mp4", "film.mp4"),
        (OGG, "voice.ogg", "audio", "audio/ogg", "voice.ogg"),
        (b"ID3\x03" + b"\x00" * 64, "song.mp3", "audio", "audio/mpeg", "song.mp3"),
        (WAV, "sound.wav", "audio", "audio/wav", "sound.wav"),
        (PDF, "../../etc/invoice.pdf", "document", "application/pdf", "invoice.pdf"),
        (office(), "a.docx", "document", None, "a.docx"),
        (office("xl/workbook.xml"), "a.xlsx", "document", None, "a.xlsx"),
        (office("ppt/presentation.xml"), "a.pptx", "document", None, "a.pptx"),
        ("grüße\n".encode(), "a.txt", "document", "text/plain", "a.txt"),
        ("a;b\nü;1\n".encode("cp1252"), "list.csv", "document", "text/csv", "list.csv"),
    ],
)
def test_what_is_on_the_list_is_taken(business, owner, content, name, kind, mime, kept_name):
    row = upload(business, owner, content, name or "x")

    assert (row.kind, row.state) == (kind, "ready")
    assert mime is None or row.mime == mime
    assert kept_name in (row.name, "")
    with media_files.open_media(business, row.pk).file as file:
        assert len(file.read()) == row.size
    assert str(row.pk) in row.file.name
    assert "etc" not in row.file.name


MOV = b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + b"\x00" * 64
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64
DOC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + b"\xec\xa5\xc1\x00" + b"\x00" * 64
VCF = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Carla\r\nEND:VCARD\r\n"
ANY = [
    (b"<html><script>alert(1)</script>", "a.txt", "text/plain"),
    (b"\xef\xbb\xbf  <!DOCTYPE html>", "a.csv", "text/csv"),
    (b"<!doctype html><script>alert(1)</script>", "page.html", "text/html"),
    (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "a.png", "text/plain"),
    (b"<?xml version='1.0'?><svg/>", "a.svg", "text/plain"),
    (b"#!/bin/sh\nrm -rf /", "run.sh", "text/plain"),
    (b"alert(1)", "a.js", "text/plain"),
    (b"MZ\x90\x00" + b"\x00" * 100, "a.jpg", "application/x-msdownload"),
    (b"\x7fELF" + b"\x00" * 100, "a.pdf", "application/x-executable"),
    (b"text\x00with nul", "a.txt", "application/octet-stream"),
    (b"not\x00what it says", "a.png", "application/octet-stream"),
    (b"not\x00what it says", "a.pdf", "application/octet-stream"),
    (b"not\x00what it says", "a", "application/octet-stream"),
    (office("payload.bin"), "a.docx", "application/zip"),
    (b"PK\x03\x04\x00garbage", "a.zip", "application/zip"),
    (b"\x1f\x8b\x08" + b"\x00" * 50, "a.gz", "application/gzip"),
    (MOV, "film.mov", "video/quicktime"),
    (DOC, "letter.doc", "application/msword"),
    (VCF, "carla.vcf", "text/x-vcard"),
    ("grüße".encode("utf-16"), "notes.txt", "text/plain"),
    (HEIC, "photo.heic", "image/heic"),
]


@pytest.mark.parametrize(("content", "name", "mime"), ANY, ids=[f"{name}-{mime}" for _, name, mime in ANY])
def test_any_other_file_is_a_document_that_is_kept_as_it_came_and_only_downloaded(
    business, owner, content, name, mime
):
    row = upload(business, owner, content, name)

    assert (row.kind, row.mime, row.name, row.size) == ("document", mime, name, len(content))
    opened = media_files.open_media(business, row.pk)
    with opened.file as file:
        assert file.read() == content
    assert not opened.delivery.inline
    assert opened.delivery.mime in {"application/octet-stream", "text/plain", "text/csv", "image/heic"}
    assert not row.thumbnail


def test_a_document_with_macros_is_not_called_one_without(business, owner):
    row = upload(business, owner, office("word/document.xml", "word/vbaProject.bin"), "a.xlsm")
    assert (row.kind, row.name) == ("document", "a.xlsm")


TEXTS = [tuple(case) for case in json.loads(Path("tests/cases/files.json").read_text())]
MARKS = [
    "BM",
    "BZh",
    "CWS",
    "FWS",
    "FLV",
    "GIF89a",
    "GIF87a",
    "ID3",
    "II*",
    "MM",
    "MThd",
    "MZ",
    "OTTO",
    "OggS",
    "PK",
    "RIFF",
    "Rar!",
    "SIMPLE",
    "{\\rtf",
    "%!PS",
    "%PDF-",
    "8BPS",
    "fLaC",
    "wOFF",
    "Cr24",
    "!<arch>",
    "LZIP",
    "#!AMR",
    "<?xml",
    "<svg",
    "<html",
    "<!",
    "Obj",
    "SQLite",
    "ustar",
]


@pytest.mark.parametrize(("name", "content", "mime"), TEXTS)
def test_text_is_text_whatever_it_begins_with(business, owner, name, content, mime):
    row = upload(business, owner, content.encode(), name)
    assert (row.kind, row.mime, row.name) == ("document", mime, name)


def test_no_mark_of_a_format_makes_a_text_something_else():
    kinds = [("a.txt", "text/plain"), ("B.CSV", "text/csv")]
    for mark, encoding, (name, mime) in product(MARKS, ["utf-8", "utf-8-sig", "cp1252", "utf-16"], kinds):
        content = f"{mark};Müller\r\n1;2\r\n".encode(encoding)
        assert filetypes.identify(io.BytesIO(content), name).mime == mime, (mark, encoding)


@given(
    st.binary(min_size=1, max_size=200),
    st.sampled_from([*MARKS, "\x00\x00\x00\x18ftypheic", ""]),
    st.text(max_size=12),
)
def test_whatever_the_bytes_are_they_are_something_and_never_shown_unless_known(rest, mark, name):
    found = filetypes.identify(io.BytesIO(mark.encode() + rest), name)
    assert found.kind == "document" or found.mime in filetypes.INLINE
    assert len(found.mime) <= 100


def test_a_control_character_anywhere_makes_it_no_text():
    far = b"a" * 200_000
    assert filetypes.identify(io.BytesIO(far), "a.txt").mime == "text/plain"
    assert filetypes.identify(io.BytesIO(far + b"\x00"), "a.txt").mime == filetypes.UNKNOWN


def test_an_archive_with_a_giant_directory_is_not_even_listed(business, owner, monkeypatch):
    end = (
        b"PK\x05\x06"
        + b"\x00\x00\x00\x00"
        + b"\xff\xff\xff\xff"
        + b"\xff\xff\xff\x7f"
        + b"\x00\x00\x00\x00"
        + b"\x00\x00"
    )
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("was listed"))
    row = upload(business, owner, b"PK\x03\x04" + b"\x00" * 100 + end, "a.docx")
    assert (row.kind, row.mime) == ("document", "application/zip")


def test_an_empty_file_is_refused(business, owner):
    with pytest.raises(InvalidInput, match="empty"):
        upload(business, owner, b"", "a.txt")


def test_a_file_over_its_limit_is_refused_with_both_sizes(business, owner, settings):
    settings.MEDIA_MAX_BYTES = {**settings.MEDIA_MAX_BYTES, "document": 1024 * 1024}

    with pytest.raises(InvalidInput, match=r"1\.5 MB; at most 1 MB"):
        upload(business, owner, b"x" * 1_572_864, "a.txt")
    assert not MediaFile.objects.exists()


def test_pictures_lose_their_metadata_and_stand_upright(business, owner):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010F] = "SecretCamera"
    row = upload(business, owner, picture("JPEG", (200, 100), exif=exif), "a.jpg")

    with media_files.open_media(business, row.pk).file as file:
        content = file.read()
    assert b"SecretCamera" not in content
    assert (row.width, row.height) == (100, 200) == Image.open(io.BytesIO(content)).size


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
def test_nothing_hides_behind_a_picture(business, owner, kind):
    row = upload(business, owner, picture(kind) + b"<script>alert(1)</script>", "a.png")

    with media_files.open_media(business, row.pk).file as file:
        assert b"script" not in file.read()


def test_a_thumbnail_is_small(business, owner):
    row = upload(business, owner, picture("PNG", (1000, 500)), "a.png")

    opened = media_files.open_media(business, row.pk, thumbnail=True)
    with opened.file as file:
        assert Image.open(file).size == (320, 160)
    assert opened.delivery == media_files.Delivery("a.png", "image/jpeg", inline=True)


def test_animations_stay_animated(business, owner):
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=50, comment=b"hidden")
    row = upload(business, owner, out.getvalue(), "a.gif")

    with media_files.open_media(business, row.pk).file as file:
        content = file.read()
    assert Image.open(io.BytesIO(content)).n_frames == 3
    assert b"hidden" not in content


def test_a_pixel_bomb_is_refused_before_it_is_unpacked(business, owner, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("was unpacked"))
    bomb = b"GIF89a" + (60_000).to_bytes(2, "little") * 2 + b"\x00\x00\x00" + b"\x2c" + b"\x00" * 4
    bomb += (60_000).to_bytes(2, "little") * 2 + b"\x00\x02\x01\x00\x00\x3b"

    with pytest.raises(InvalidInput) as refusal:
        upload(business, owner, bomb, "a.gif")
    assert refusal.value.code in ("image_too_large", "broken_image")


def test_too_many_pixels_are_explained(business, owner, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(InvalidInput, match="pixels"):
        upload(business, owner, picture("PNG", (100, 100)), "a.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_damaged_picture_is_explained(business, owner, kind):
    whole = picture(kind, (300, 300))
    with pytest.raises(InvalidInput, match="damaged"):
        upload(business, owner, whole[: len(whole) // 3], "a.png")


def test_a_full_disk_is_told_and_leaves_nothing(business, owner, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    with pytest.raises(media_files.StorageFull, match="no room"):
        upload(business, owner, PDF, "a.pdf")
    assert not MediaFile.objects.exists()


def test_another_businesss_file_is_not_found(business, other_business, owner):
    row = upload(business, owner, PDF, "a.pdf")

    with pytest.raises(NotFound):
        media_files.open_media(other_business, row.pk)


def test_a_file_that_is_gone_is_not_found(business, owner):
    row = upload(business, owner, PDF, "a.pdf")
    row.file.storage.delete(row.file.name)

    with pytest.raises(NotFound):
        media_files.open_media(business, row.pk)


# -- with messages ---------------------------------------------------------------------------------


def test_a_sent_file_goes_to_the_driver_with_its_caption(business, conversation, owner, connection):
    row = upload(business, owner, PDF, "menu.pdf")
    queue.enqueue(business, conversation, sender=owner, text="Our menu", media=row)
    lease = lease_of(connection)
    (claimed,) = dispatch.claim(lease, 5)

    outgoing = begin_one(lease, claimed, "OUT1")

    assert (outgoing.kind, outgoing.body) == ("document", "Our menu")
    assert outgoing.media == MediaBlob(PDF, "application/pdf", "menu.pdf")


def test_a_message_whose_file_is_gone_fails_with_the_reason(business, conversation, owner, connection):
    row = upload(business, owner, PDF, "menu.pdf")
    message = queue.enqueue(business, conversation, sender=owner, media=row)
    row.file.storage.delete(row.file.name)
    lease = lease_of(connection)
    (claimed,) = dispatch.claim(lease, 5)

    assert begin_one(lease, claimed, "OUT1") is None
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("failed", "media_missing")


def fetching(connection, *, name="photo.jpg", mime="image/jpeg", kind=MessageKind.IMAGE):
    """A lease, and the job of fetching a customer's file."""
    lease = lease_of(connection)
    ref = MediaRef(mime=mime, name=name, token={"id": 1})
    receiver.receive(lease, [hello(kind=kind, media=ref)])
    (job,) = media_jobs.due(lease, 5)
    return lease, job


@pytest.fixture
def wanted(connection):
    return fetching(connection)


def test_a_fetched_file_is_kept(wanted):
    lease, job = wanted
    media_jobs.store(lease, job, MediaBlob(picture("JPEG"), "image/jpeg"))

    row = MediaFile.objects.get()
    assert (row.state, row.kind, row.source, row.width) == ("ready", "image", {}, 640)
    assert media_jobs.due(lease, 5) == []


def test_the_senders_word_on_the_type_is_not_taken(wanted):
    lease, job = wanted
    media_jobs.store(lease, job, MediaBlob(PDF, "image/jpeg"))

    row = MediaFile.objects.get()
    assert (row.mime, row.name) == ("application/pdf", "photo.jpg.pdf")
    assert Message.objects.get().message_type == "document"


@pytest.mark.parametrize(("content", "name", "mime"), ANY, ids=[f"{name}-{mime}" for _, name, mime in ANY])
def test_whatever_a_customer_sends_is_kept(connection, content, name, mime):
    lease, job = fetching(connection, name=name, mime="image/png")
    media_jobs.store(lease, job, MediaBlob(content, "image/png", name))

    row = MediaFile.objects.get()
    assert (row.state, row.kind, row.mime, row.name, row.error_code) == ("ready", "document", mime, name, "")
    assert Message.objects.get().message_type == "document"
    assert media_files.load(row).data == content


@pytest.mark.parametrize("code", ["broken_image", "image_too_large"])
def test_a_customers_picture_that_cannot_be_redrawn_is_kept_as_a_download(
    wanted, business, monkeypatch, code
):
    def refuses(*_, **__):
        raise InvalidInput(code, "No.")

    monkeypatch.setattr(images, "sanitize", refuses)
    lease, job = wanted
    content = picture("JPEG")
    media_jobs.store(lease, job, MediaBlob(content, "image/jpeg"))

    row = MediaFile.objects.get()
    assert (row.state, row.kind, row.mime, row.name) == ("ready", "document", "image/jpeg", "photo.jpg")
    assert media_files.load(row).data == content
    assert media_files.open_media(business, row.pk).delivery == media_files.Delivery(
        "photo.jpg", "application/octet-stream", inline=False
    )


def test_a_customers_damaged_picture_is_kept_too(wanted):
    lease, job = wanted
    content = picture("JPEG", (300, 300))[:500]
    media_jobs.store(lease, job, MediaBlob(content, "image/jpeg"))
    assert media_files.load(MediaFile.objects.get()).data == content


def test_a_customers_heic_picture_is_shown_as_a_jpeg(connection):
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 32), "teal")).save(heic)
    lease, job = fetching(connection, name="IMG_1.heic", kind=MessageKind.DOCUMENT)
    media_jobs.store(lease, job, MediaBlob(heic.getvalue(), "image/heic"))

    row = MediaFile.objects.get()
    assert (row.kind, row.mime, row.name, row.width) == ("image", "image/jpeg", "IMG_1.heic.jpg", 64)
    assert Message.objects.get().message_type == "image"
    with Image.open(io.BytesIO(media_files.load(row).data)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (64, 32))


@pytest.mark.parametrize(("content", "kind"), [(MP4, "video"), (OGG, "audio"), (picture("PNG"), "image")])
def test_a_customers_file_over_the_limit_of_its_kind_is_kept_as_a_document(wanted, settings, content, kind):
    settings.MEDIA_MAX_BYTES = {**settings.MEDIA_MAX_BYTES, kind: len(content) - 1}
    lease, job = wanted
    media_jobs.store(lease, job, MediaBlob(content, "image/jpeg"))

    row = MediaFile.objects.get()
    assert (row.state, row.kind, row.size) == ("ready", "document", len(content))


@pytest.mark.parametrize(("size", "state"), [(1000, "wanted"), (1001, "failed"), (None, "wanted")])
def test_a_file_that_says_it_is_too_large_is_not_fetched(connection, settings, size, state):
    settings.MEDIA_MAX_BYTES = dict.fromkeys(settings.MEDIA_MAX_BYTES, 1000)
    lease = lease_of(connection)
    ref = MediaRef(mime="application/zip", name="all.zip", size=size, token={"id": 1})
    receiver.receive(lease, [hello(kind=MessageKind.DOCUMENT, media=ref)])

    row = MediaFile.objects.get()
    assert (row.state, row.name, row.size) == (state, "all.zip", size or 0)
    assert row.error_code == ("file_too_large" if state == "failed" else "")
    assert len(media_jobs.due(lease, 5)) == (state == "wanted")


def test_a_file_that_turns_out_to_be_too_large_says_so(wanted, settings):
    settings.MEDIA_MAX_BYTES = dict.fromkeys(settings.MEDIA_MAX_BYTES, 10)
    lease, job = wanted
    media_jobs.store(lease, job, MediaBlob(PDF, "image/jpeg"))

    row = MediaFile.objects.get()
    assert (row.state, row.error_code) == ("failed", "file_too_large")
    assert "larger than 10" in row.error_message


def test_an_empty_file_of_a_customer_says_so(wanted):
    lease, job = wanted
    media_jobs.store(lease, job, MediaBlob(b"", "image/jpeg"))
    assert MediaFile.objects.get().error_message == "The file is empty."


def test_a_full_storage_is_told_and_tried_until_there_is_room(wanted, monkeypatch):
    lease, job = wanted

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(FileSystemStorage, "_save", full)
        for _ in range(8):
            media_jobs.store(lease, job, MediaBlob(PDF, "image/jpeg"))
    row = MediaFile.objects.get()
    assert (row.state, row.error_code, row.attempts) == ("wanted", "storage_full", 8)
    assert "no room left" in row.error_message

    media_jobs.store(lease, job, MediaBlob(PDF, "image/jpeg"))
    row.refresh_from_db()
    assert (row.state, row.error_code, row.error_message) == ("ready", "", "")


@pytest.mark.parametrize("error", [RuntimeError, OSError, KeyError, MemoryError])
def test_trouble_with_a_file_is_a_try_that_failed_and_not_the_end_of_the_session(wanted, monkeypatch, error):
    def fails(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(FileSystemStorage, "_save", fails)
    lease, job = wanted
    for _ in range(5):
        media_jobs.store(lease, job, MediaBlob(PDF, "image/jpeg"))
    row = MediaFile.objects.get()
    assert (row.state, row.error_code) == ("failed", "not_stored")
    assert "could not be saved" in row.error_message


def test_a_file_that_met_a_busy_decoder_is_fetched_again_and_no_try_is_lost(wanted, monkeypatch):
    lease, job = wanted

    def busy(*_args, **_kwargs):
        raise sandbox.Busy

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "run", busy)
        for _ in range(9):
            media_jobs.store(lease, job, MediaBlob(picture("JPEG"), "image/jpeg"))
    row = MediaFile.objects.get()
    assert (row.state, row.attempts, row.error_code) == ("wanted", 0, "")
    assert media_jobs.due(lease, 5) == []

    MediaFile.objects.update(not_before=ago(seconds=1))
    (again,) = media_jobs.due(lease, 5)
    media_jobs.store(lease, again, MediaBlob(picture("JPEG"), "image/jpeg"))
    assert MediaFile.objects.get().state == "ready"


def test_a_failed_fetch_is_tried_again_later_and_then_given_up(wanted):
    lease, job = wanted
    for _ in range(4):
        media_jobs.record_failure(lease, job, "timeout", permanent=False)
        assert media_jobs.due(lease, 5) == []
        assert MediaFile.objects.get().state == "wanted"
        MediaFile.objects.update(not_before=ago(seconds=1))
        assert len(media_jobs.due(lease, 5)) == 1
    media_jobs.record_failure(lease, job, "timeout", permanent=False)
    assert MediaFile.objects.get().state == "failed"


def test_a_gone_file_is_given_up_at_once(wanted):
    lease, job = wanted
    media_jobs.record_failure(lease, job, "media_gone", permanent=True)

    assert (MediaFile.objects.get().state, media_jobs.due(lease, 5)) == ("failed", [])


def test_uploads_that_were_never_sent_go_after_a_day(business, conversation, owner):
    used, unused, young = (upload(business, owner, PDF, "a.pdf") for _ in range(3))
    queue.enqueue(business, conversation, media=used)
    MediaFile.objects.exclude(pk=young.pk).update(created_at=ago(days=2))

    maintenance.prune()

    assert set(MediaFile.objects.all()) == {used, young}
    assert not unused.file.storage.exists(unused.file.name)
    assert used.file.storage.exists(used.file.name)
    assert media_files.get_media(business, used.pk) == used


@pytest.mark.parametrize("code", ["media_gone", "download_failed", "storage_full"])
def test_webhooks_are_told_why_a_file_is_not_here(business, wanted, code):
    factories.WebhookFactory(business_profile=business)
    lease, job = wanted
    permanent = code == "media_gone"
    for _ in range(5):
        media_jobs.record_failure(lease, job, code, permanent=permanent)

    state = "wanted" if code == "storage_full" else "failed"
    rows = PublicEvent.objects.filter(business_profile=business, type="message.updated").order_by("pk")
    told = [json.loads(row.payload)["data"]["media"] for row in rows]
    assert {file["errorCode"] for file in told} == {code}
    assert told[-1]["state"] == state
    assert told[-1]["errorMessage"] == file_errors.error_text(code, final=state == "failed")
    assert len(told) == {"media_gone": 1, "download_failed": 2, "storage_full": 1}[code]
