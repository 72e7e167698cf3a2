"""Nonsense at every address: whatever is sent, the answer is one of ours and never a 500.

The test client raises what a view did not catch, so that a failure shows where it came from. The list of addresses is
read from the URL configuration; a new form with fields needs an entry in `FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from connections.models import SandboxMessage
from core.ids import uuid7
from core.web.charset import only_utf8
from tests import factories
from tests.matrix import ROUTES, Cases
from tests.one_of_each import one_of_each
from whatsflow import asgi, wsgi

pytestmark = pytest.mark.services

ClientOf = Callable[..., Client]
ID = "01890a5d-ac96-774b-bcce-b302099a8057"

TEXTS = [
    "\x00",
    "a\x00b",
    "A" * 70_000,
    "9" * 5000,
    "-1",
    "NaN",
    "1e400",
    "' OR 1=1 --",
    '"*:()^ NEAR AND',
    "\\'%_",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\u202egpj.exe",
    "\ufdd0\uffff\ufeff",
    "😀" * 120,
    "٣٣٣ ²²²",
    "_ _ _",
    "urn:uuid:zzz",
    f"9999-12-31T23:59:59-23:59~{ID}",
    f"0001-01-01T00:00:00+23:59~{ID}",
    f"2026-02-30T00:00:00+00:00~{ID}",
    "[" * 60_000,
    '{"a": "\\u0000"}',
    '{"a": "\\ud800"}',
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": ' + "9" * 5000 + "}",
]
MIXED = (
    "' OR 1=1 -- \"*:()^ NEAR AND \\'%_ ../../etc/passwd <script>alert(1)</script> \u202egpj.exe 😀😀 ٣ ² _ _"
)
"""What is only text, in one: where it gets through, all of it does."""
WRITTEN = [
    *(
        "\x00",
        "a\x00b",
        "A" * 70_000,
        "9" * 5000,
        "-1",
        "NaN",
        "1e400",
        "\ufdd0\uffff\ufeff",
        "٣٣٣ ²²²",
        "urn:uuid:zzz",
    ),
    *("2026-02-30T00:00:00+00:00", "0001-01-01T00:00:00+23:59", MIXED),
]
"""For forms: each of their fields takes each of these alone. Fields that hold JSON take all of `TEXTS`."""
RAW = ["%00", "%ED%A0%80", "%FF%FE", "%", "a=b=c", "[]", "x" * 6000]
"""Query strings and pieces of paths as they come over the wire."""

QUERY = [
    "q",
    "tab",
    "before",
    "after",
    "at",
    "part",
    "view",
    "reply_to",
    "seen",
    "next",
    "invitation",
    "download",
]
READERS = {
    "accounts:login": ["next"],
    "accounts:register": ["invitation"],
    "messaging:inbox": ["q", "tab", "before"],
    "messaging:conversation": ["q", "at", "part", "reply_to"],
    "messaging:messages": ["before", "after"],
    "messaging:media": ["download"],
    "connections:state": ["seen"],
}
"""Pages that look at the query string, and at what in it; each of these is spoilt alone, too."""

FORMS: dict[str, dict[str, Any]] = {
    "accounts:login": {"username": "a@example.com", "password": "wrong", "remember": "on"},
    "accounts:register": {
        "email": "n@example.com",
        "password": "blue horse 12 km",
        "full_name": "N",
        "time_zone": "UTC",
    },
    "accounts:password_change": {"current_password": factories.PASSWORD, "new_password": "blue horse 12 km"},
    "accounts:password_reset": {"email": "owner@example.com"},
    "accounts:profile": {"full_name": "O", "time_zone": "UTC", "theme": "dark", "shortcuts_enabled": "on"},
    "accounts:email_change": {"email": "n@example.com", "password": factories.PASSWORD},
    "accounts:business_create": {
        "business_name": "B",
        "business_type": "other",
        "industry": "",
        "website": "https://example.com",
        "description": "",
        "time_zone": "UTC",
        "default_country": "GB",
    },
    "accounts:business_edit": {
        "business_name": "B",
        "business_type": "other",
        "industry": "",
        "website": "https://example.com",
        "description": "",
        "time_zone": "UTC",
        "default_country": "GB",
        "ai_profile": "{}",
        "business": "",
    },
    "accounts:business_delete": {"typed_name": "x"},
    "accounts:business_switch": {"business": ID},
    "accounts:invite": {"role": "agent", "email": "n@example.com"},
    "accounts:member_role": {"role": "viewer"},
    "connections:create": {"mode": "sandbox", "name": "N"},
    "connections:pair": {"phone_number": "+447911123456"},
    "connections:rename": {"name": "N"},
    "connections:delete": {"confirmation": "Shop"},
    "connections:phone_scan": {"code": "x"},
    "connections:phone_unlink": {"reason": "unlinked"},
    "connections:phone_online": {"online": "on"},
    "connections:phone_speed": {"speed": "1"},
    "connections:phone_faults": {"slow_ms": "5"},
    "connections:phone_add_customer": {"name": "N", "number": "", "persona": "quiet", "hides_number": ""},
    "connections:phone_write": {"text": "Hi", "quoted_wa_id": "", "upload": ""},
    "messaging:start": {"phone": "+447911123456", "name": "N", "connection": ""},
    "messaging:upload": {"file": ""},
    "messaging:send": {"text": "Hi", "client_token": "t", "reply_to": "", "attachment": "", "file": ""},
    "messaging:draft": {"text": "Hi"},
    "messaging:assign": {"assignee": ""},
    "messaging:state": {"state": "closed"},
    "messaging:contact": {"name": "N"},
}

HEADERS: list[dict[str, str]] = [
    {"content-type": "multipart/form-data"},
    *(
        {"hx-request": "true", "hx-current-url": url}
        for url in ("http://[", "\xff", "javascript:1", "//evil")
    ),
    {"hx-request": "true", "hx-current-url": "%00%FF", "hx-current-url-uri-autoencoded": "true"},
    *(
        {"range": f"bytes={span}"}
        for span in ("9" * 5000 + "-", "-" + "9" * 5000, "5-1", "-0", "0-0,2-3", "²-³")
    ),
    {"accept": "\xff"},
    {"accept-language": "x" * 5000},
    {"cookie": "whatsflow_session=\xff; csrftoken=x"},
    {"referer": "http://["},
    {"x-forwarded-for": "<script>,,," + "9" * 500},
    {"if-modified-since": "Sun, 99 Foo 99999 99:99:99 GMT"},
    {"if-none-match": '"' * 100},
    {"user-agent": "\xff" * 1000},
]


@pytest.fixture
def mine(
    business: Any, connection: Any, sandbox_phone: Any, conversation: Any, owner: Any, media_root: Any
) -> dict[str, Any]:
    """One row of each kind in the owner's own business, by the name of the parameter that reaches it."""
    customer = factories.SandboxCustomerFactory(phone=sandbox_phone)
    media = factories.MediaFileFactory(business_profile=business)
    media.file.save("file", SimpleUploadedFile("x.png", b"0123456789"), save=False)
    media.state, media.size = media.State.READY, 10
    media.save()
    return {
        **one_of_each(business, owner, "Mine"),
        "connection_id": connection,
        "customer_id": customer,
        "sandbox_message_id": SandboxMessage.objects.create(
            phone=sandbox_phone, customer=customer, wa_id="MINE", from_me=False, body="Hi"
        ),
        "conversation_id": conversation,
        "message_id": factories.MessageFactory(conversation=conversation, outbound=True, status="failed"),
        "media_id": media,
    }


def _refused_or_done(response: Any, what: object) -> None:
    assert response.status_code < 500, f"{response.status_code} for {str(what)[:200]!r}"
    if response.streaming:
        b"".join(response.streaming_content)


def _spoilt(form: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The form with one field after the other turned into each kind of nonsense."""
    for field in form:
        for text in TEXTS if str(form[field]).startswith(("{", "[")) else WRITTEN:
            yield {**form, field: text}


PARTS = 3
"""How many tests share the addresses of a loop, so that as many processes may."""


@pytest.mark.parametrize("part", range(PARTS))
def test_nonsense_in_the_query_is_never_an_error_of_ours(
    part: int, owner: Any, mine: dict[str, Any], client_of: ClientOf
) -> None:
    htmx = {"HX-Request": "true"}
    cases = Cases(at_least=40)
    for route in ROUTES[part::PARTS]:
        with cases.case(route):
            client = client_of(owner)
            address = route.address(mine)
            for text in TEXTS:
                short = text[:3000]
                for name in READERS.get(route.name, []):
                    _refused_or_done(client.get(address, {name: short}), (name, text))
                    _refused_or_done(client.get(address, {name: short}, headers=htmx), (name, text))
            reads = route.name in READERS
            for text in TEXTS if reads else (TEXTS[0], MIXED):
                _refused_or_done(client.get(address, dict.fromkeys(QUERY, text[:3000])), text)
            for raw in RAW if reads else RAW[:3]:
                _refused_or_done(client.get(f"{address}?{raw}={raw}&q={raw}&before={raw}"), raw)
    cases.check()


@pytest.mark.parametrize("part", range(PARTS))
def test_nonsense_in_a_form_is_never_an_error_of_ours(
    part: int, owner: Any, mine: dict[str, Any], client_of: ClientOf
) -> None:
    routes = {route.name: route for route in ROUTES}
    cases = Cases(at_least=len(FORMS) // PARTS)
    for name in sorted(FORMS)[part::PARTS]:
        form = dict(FORMS[name])
        if name == "accounts:business_edit":
            form["business"] = str(mine["connection_id"].business_profile_id)
        if name == "messaging:start":
            form["connection"] = str(mine["connection_id"].pk)
        anonymous = name in ("accounts:login", "accounts:register")
        with cases.case(name):
            client = Client() if anonymous else client_of(owner)
            for number, spoilt in enumerate(_spoilt(form)):
                headers = {"HX-Request": "true"} if number % 2 else {}
                response = client.post(routes[name].address(mine), spoilt, headers=headers)
                _refused_or_done(response, spoilt)
                if settings.SESSION_COOKIE_NAME in response.cookies:  # signed in, or out
                    client = Client() if anonymous else client_of(owner)
    cases.check()


def test_every_form_without_fields_or_with_one_it_does_not_have_is_answered(
    owner: Any, mine: dict[str, Any], client_of: ClientOf
) -> None:
    cases = Cases(at_least=125)
    for route in ROUTES:
        with cases.case(route):
            client = client_of(owner)
            for method in ("put", "patch", "delete", "options", "head", "post"):
                response = getattr(client, method)(route.address(mine))
                _refused_or_done(response, method)
                if settings.SESSION_COOKIE_NAME in response.cookies:
                    client = client_of(owner)
            _refused_or_done(client.post(route.address(mine), "{", content_type="application/json"), "json")
    cases.check()


CODECS = ["hex", "unicode_escape", "utf-7", "rot13", "utf-16", "", "x" * 300]


@pytest.mark.parametrize("charset", [f"charset={name}" for name in CODECS] + ["charset*=utf-8''hex"])
def test_text_in_another_encoding_does_not_get_in(charset: str) -> None:
    """Some codecs of Python's make characters that no database and no page can hold, others none at all."""
    assert _status_at_the_door(f"text/plain; {charset}") == "400 Bad Request"
    assert _status_at_the_door(f"multipart/form-data; boundary=x; {charset}") == "400 Bad Request"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "x/y; charset=UTF-8", "a;b=c", "x; charset=utf8; q=1"]
)
def test_text_that_claims_nothing_else_gets_in(content_type: str) -> None:
    assert _status_at_the_door(content_type) == "200 OK"


def test_both_servers_have_that_door() -> None:
    assert wsgi.application.__qualname__ == asgi._wsgi.__qualname__ == guarded.__qualname__


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [])
    return []


guarded = only_utf8(_application)


def _status_at_the_door(content_type: str) -> str:
    told: list[str] = []
    b"".join(guarded({"CONTENT_TYPE": content_type}, lambda status, headers: told.append(status)))
    return told[0]


@pytest.mark.parametrize(
    "attributes", ["filename*=hex''%41", "filename*=unicode_escape''%5Cud800", "filename*=x"]
)
def test_a_file_named_in_another_encoding_is_answered(
    attributes: str, owner: Any, mine: dict[str, Any], client_of: ClientOf
) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="file"; {attributes}\r\n\r\nhi\r\n--x--\r\n'.encode()
    response = client_of(owner).generic(
        "POST", reverse("messaging:upload"), body, content_type="multipart/form-data; boundary=x"
    )
    _refused_or_done(response, attributes)


@pytest.mark.parametrize(
    "name", ["accounts:login", "home", "messaging:inbox", "messaging:conversation", "messaging:media"]
)
@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "member"])
def test_nonsense_in_the_headers_is_never_an_error_of_ours(
    name: str, signed_in: bool, owner: Any, mine: dict[str, Any], client_of: ClientOf
) -> None:
    route = next(route for route in ROUTES if route.name == name)
    client = client_of(owner) if signed_in else Client()

    for headers in HEADERS:
        kwargs = dict(headers)
        environ = {"CONTENT_TYPE": kwargs.pop("content-type")} if "content-type" in kwargs else {}
        _refused_or_done(client.get(f"{route.address(mine)}?q=abc", headers=kwargs, **environ), headers)


def test_nonsense_in_place_of_a_secret_is_never_an_error_of_ours(
    mine: dict[str, Any], client: Client
) -> None:
    cases = Cases(at_least=2)
    for route in ROUTES:
        if {"token", "uidb64"} & set(route.parameters):
            with cases.case(route):
                address = route.address(mine, secret="SECRET")
                for piece in [*RAW, *(quote(text[:2000], safe="") for text in TEXTS)]:
                    _refused_or_done(client.get(address.replace("SECRET", piece)), piece)
    cases.check()


def test_what_is_no_id_is_not_found(owner: Any, mine: dict[str, Any], client_of: ClientOf) -> None:
    cases = Cases(at_least=30)
    client = client_of(owner)
    for kind in ("connection_id", "conversation_id", "media_id", "message_id"):
        for address in {route.address(mine) for route in ROUTES if kind in route.parameters}:
            with cases.case(address):
                for piece in (*RAW, "1", "None", str(uuid7()).upper(), f"{ID}%00"):
                    _refused_or_done(client.get(address.replace(str(mine[kind].pk), piece)), piece)
    cases.check()
