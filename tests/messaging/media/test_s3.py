"""Files in an S3-like store that knows nothing but the plain protocol, spoken to over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import BusinessProfile, User
from core.files.s3 import S3Storage
from core.files.s3_origins import origins
from messaging.media import media_files
from tests.connections.driver_contract import PICTURE


class Store(ThreadingHTTPServer):
    """Keeps what is PUT and gives it back; knows no checksums, no chunks, no trailers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Store

    def do_PUT(self) -> None:
        odd = [name for name in self.headers if "checksum" in name.lower() or name.lower() == "x-amz-trailer"]
        if odd or "aws-chunked" in self.headers.get("Content-Encoding", ""):
            return self._answer(501)
        self.server.kept[self._key()] = self.rfile.read(int(self.headers["Content-Length"]))
        return self._answer(200)

    def do_GET(self) -> None:
        found = self.server.kept.get(self._key())
        self._answer(404 if found is None else 200, found or b"")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        self.server.kept.pop(self._key(), None)
        self._answer(204)

    def _key(self) -> str:
        return urlsplit(self.path).path

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Fri, 27 Nov 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    server = Store()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def options(store: Store) -> dict[str, Any]:
    return {
        "bucket_name": "bakery",
        "endpoint_url": f"http://127.0.0.1:{store.server_port}",
        "region_name": "local",
        "access_key": "key",
        "secret_key": "secret",
        "path_style": True,
        "file_overwrite": True,
        "default_acl": None,
    }


def test_a_store_that_knows_no_checksums_is_understood(store: Store, options: dict[str, Any]) -> None:
    storage = S3Storage(**options)
    assert storage.save("media/a/b", ContentFile(b"words")) == "media/a/b"
    assert store.kept == {"/bakery/media/a/b": b"words"}
    with storage.open("media/a/b") as file:
        assert file.read() == b"words"
    storage.delete("media/a/b")
    assert store.kept == {}
    assert not storage.exists("media/a/b")


def test_what_is_uploaded_goes_there_and_back(
    store: Store, options: dict[str, Any], business: BusinessProfile, owner: User, settings
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "core.files.s3.S3Storage", "OPTIONS": options},
    }
    row = media_files.store_upload(business, owner, SimpleUploadedFile(PICTURE.name, PICTURE.data))
    assert set(store.kept) == {f"/bakery/{row.file.name}", f"/bakery/{row.thumbnail.name}"}
    assert media_files.load(row).data == store.kept[f"/bakery/{row.file.name}"]
    media_files.remove_files(row)
    assert store.kept == {}


@pytest.mark.parametrize(
    ("endpoint", "region", "expected"),
    [
        ("https://s3.example.com", "", "https://bakery.s3.example.com"),
        ("http://minio:9000", "", "http://minio:9000"),
        ("", "eu-west-1", "https://bakery.s3.eu-west-1.amazonaws.com"),
        ("", "", "https://bakery.s3.amazonaws.com"),
    ],
)
def test_pages_let_pictures_come_from_where_the_links_lead(endpoint: str, region: str, expected: str) -> None:
    assert expected in origins("bakery", endpoint, region)
