"""Addresses that webhooks may not call: refused with words when they are entered or posted to, and never connected."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import http
from core.http import Blocked, Limits, Session, TimedOut, Unreachable, policy
from tests import factories
from tests.core.http.test_policy import REFUSED, _drip
from tests.webhooks.conftest import Listen
from tests.webhooks.receiver import answer
from webhooks.models import WebhookAttempt, WebhookDelivery

SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.0.0.1", "0X7F.1", "0x7f000001", "0177.1", "0177.0.0.1",
    "017700000001", "127.0.0.1.", "127。0。0。1", "①②⑦.⓪.⓪.①", "%31%32%37.0.0.1", "0", "0.0.0.0", "10.0.0.1",
    "012.0.0.1",
    "0xa.1", "167772161", "192.168.0.1", "0xc0a80001", "172.16.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166",
    "0251.0376.0251.0376", "168.63.129.16", "100.100.100.200", "localhost", "LOCALHOST", "localhost.", "any.localhost",
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::FFFF:7F00:1]",
    "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[64:FF9B:0:0::7f00:1]", "[64:ff9b:1::a9fe:a9fe]",
    "[2002:7f00:1::]", "[2002:7f00:0001:0::1]", "[2002:a9fe:a9fe::]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]",
    "[fec0::1]", "[fc00::1]", "[ff02::1]", "[2001::1]",
]  # fmt: skip
LIMITS = Limits(connect=1.0, read=1.0, total=1.5, max_bytes=1000)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where something connected to; nothing does."""
    places: list[Any] = []

    def connect(address: Any, *args: Any, **kwargs: Any) -> Any:
        places.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    return places


def post(url: str) -> Any:
    return Session(url).post(b"{}", {"Content-Type": "application/json"}, LIMITS)


@pytest.mark.parametrize("host", SPELLINGS)
def test_every_spelling_of_an_inside_address_is_refused_in_words_before_any_connection(
    host: str, connected: list[Any]
) -> None:
    for url in (f"https://{host}/", f"https://{host}:8443/latest/meta-data/"):
        with pytest.raises(Blocked) as caught:
            Session(url)
        assert (caught.value.field, caught.value.message[-1]) == ("url", ".")
        with pytest.raises(Blocked):
            http.request("GET", url, limits=LIMITS)
    assert connected == []


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_that_leads_inside_is_refused_at_every_new_connection(
    address: str, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "resolve", lambda host, port: ["93.184.216.34", address])
    with pytest.raises(Blocked) as caught:
        post("https://hooks.example/")
    assert caught.value.code == "address_not_public"
    assert connected == []


def test_a_name_that_changes_between_check_and_connect_changes_nothing(
    connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]
    monkeypatch.setattr(policy, "resolve", lambda host, port: answers.pop(0))
    session = Session("https://hooks.example/")
    with pytest.raises(Unreachable):
        session.post(b"", {}, LIMITS)
    assert connected == [("93.184.216.34", 443)]
    with pytest.raises(Blocked):
        session.post(b"", {}, LIMITS)
    assert connected == [("93.184.216.34", 443)]


def test_a_kept_connection_stays_where_it_led_and_ends_after_a_while(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = listen()
    asked: list[str] = []
    monkeypatch.setattr(policy, "resolve", lambda host, port: asked.append(host) or ["127.0.0.1"])
    session = Session(receiver.url)
    for _ in range(3):
        assert session.post(b"", {"webhook-id": "1"}, LIMITS).status == 200
    assert (len(asked), receiver.connections) == (1, 1)
    monkeypatch.setattr("core.http.client.KEEP_SECONDS", -1.0)
    short = Session(receiver.url)
    for _ in range(2):
        short.post(b"", {"webhook-id": "1"}, LIMITS)
    assert (len(asked), receiver.connections) == (3, 3)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example/", "https_required"),
        ("ftp://hooks.example/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("gopher://hooks.example/", "invalid_url"),
        ("dict://hooks.example:11211/stats", "invalid_url"),
        ("javascript:alert(1)", "invalid_url"),
        ("//hooks.example/", "invalid_url"),
        ("", "invalid_url"),
        ("https://", "invalid_url"),
        ("https://user:pw@hooks.example/", "url_with_password"),
        ("https://hooks.example:0/", "invalid_url"),
        ("https://hooks.example:99999/", "invalid_url"),
        *((f"https://hooks.example:{port}/", "port_not_allowed") for port in (1, 22, 25, 80, 445, 993, 1023)),
        *(
            (f"https://hooks.example:{port}/", "port_not_allowed")
            for port in (2375, 3306, 5432, 6379, 11211, 27017)
        ),
    ],
)
def test_other_schemes_and_ports_are_refused_before_any_connection(
    url: str, code: str, connected: list[Any]
) -> None:
    with pytest.raises(Blocked) as caught:
        Session(url)
    assert (caught.value.code, caught.value.message[-1]) == (code, ".")
    assert connected == []


@pytest.mark.parametrize("port", ["", ":443", ":1024", ":5678", ":8443", ":65535"])
def test_web_servers_may_listen_elsewhere(port: str) -> None:
    assert http.check_url(f"https://hooks.example{port}/in") is False


@given(st.text(max_size=60))
def test_no_text_makes_it_stumble(url: str) -> None:
    with contextlib.suppress(Blocked):
        Session(url)


def test_a_redirect_to_the_inside_is_a_failure_and_not_followed(listen: Listen) -> None:
    inside = listen()
    receiver = listen(lambda request, number: answer(307, Location=inside.url))
    assert Session(receiver.url).post(b"", {"webhook-id": "1"}, LIMITS).status == 307
    assert inside.received == []


def test_a_huge_answer_is_cut(listen: Listen) -> None:
    receiver = listen(lambda request, number: answer(200, b"x" * 5_000_000))
    got = Session(receiver.url).post(b"", {"webhook-id": "1"}, LIMITS)
    assert (got.status, len(got.body), got.truncated) == (200, 1000, True)


def test_a_huge_head_is_given_up(listen: Listen) -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (line, b"x" * 1000) for line in range(2000))
    receiver = listen(lambda request, number: endless)
    with pytest.raises(Unreachable):
        Session(receiver.url).post(b"", {"webhook-id": "1"}, LIMITS)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_dripping_answer_ends_at_the_deadline(settings: Any, head: bytes) -> None:
    from tests.core.http.test_policy import Server

    server = Server(lambda connection: _drip(connection, head))
    settings.OUTBOUND_HTTP_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
    with pytest.raises((TimedOut, Unreachable)):
        Session(f"http://127.0.0.1:{server.port}/").post(b"", {}, LIMITS)
    server.close()


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_is_in_the_log_with_its_reason(
    business: Any,
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "resolve", lambda host, port: ["169.254.169.254"])
    settings.WEBHOOK_RETRY_SECONDS = [0.0]
    factories.WebhookFactory(business_profile=business, url="https://metadata.example/")
    tell()
    dispatching(lambda: WebhookDelivery.objects.filter(state="failed").exists())
    assert WebhookAttempt.objects.get().error == "address_not_public"
