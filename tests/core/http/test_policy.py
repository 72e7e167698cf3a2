"""The outbound HTTP client: where it goes, where it does not, and when it gives up. All servers are on loopback."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from core import http
from core.http import Blocked, Limits, TimedOut, TooLarge, Unreachable, client, policy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: Test\r\n\r\nhello"


class Server:
    """A loopback server: `answer` gets each connection and the request's head."""

    def __init__(
        self, answer: Callable[[socket.socket], None], context: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(5)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            self.requests.append(connection.recv(65536))
            self._answer(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve(settings):
    """`serve(answer)` starts a server whose place is on the allow-list."""
    servers = []

    def start(answer, *, name="127.0.0.1", context=None):
        if isinstance(answer, bytes):
            data = answer
            answer = lambda connection: connection.sendall(data)  # noqa: E731
        server = Server(answer, context)
        servers.append(server)
        settings.OUTBOUND_HTTP_ALLOWED_HOSTS = [
            *settings.OUTBOUND_HTTP_ALLOWED_HOSTS,
            f"{name}:{server.port}",
        ]
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def resolver(monkeypatch):
    """`resolver([...], [...])`: the name has these addresses at the first look-up, those at the second."""
    asked = []

    def answers(*turns):
        def resolve(host, port):
            asked.append(host)
            return turns[min(len(asked), len(turns)) - 1]

        monkeypatch.setattr(policy, "resolve", resolve)
        return asked

    return answers


# -- which addresses ---------------------------------------------------------------------------------

# fmt: off
REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:2::1",
    "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "192.0.1.1", "100.63.255.255", "100.128.0.1",
    "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "::ffff:8.8.8.8",
]
# fmt: on


@pytest.mark.parametrize("address", [*REFUSED, "", "localhost", "127.1", "0x7f000001", "2130706433"])
def test_an_address_that_is_not_public_is_refused(address):
    assert not policy.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address):
    assert policy.is_public(address)


@given(st.ip_addresses())
def test_nothing_allowed_is_private_in_the_standard_librarys_eyes(address):
    if policy.is_public(str(address)):
        assert ipaddress.ip_address(address).is_global


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_that_leads_inside_is_refused_before_any_connection(address, resolver, monkeypatch):
    resolver([address])
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    with pytest.raises(Blocked) as caught:
        http.request("GET", "https://hooks.example/")
    assert caught.value.code == "address_not_public"


def test_one_inside_address_among_public_ones_is_enough_to_refuse(resolver, monkeypatch):
    resolver(["93.184.216.34", "10.0.0.7"])
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    with pytest.raises(Blocked):
        http.request("GET", "https://hooks.example/")


def test_a_name_is_resolved_once_and_the_checked_address_is_called(resolver, monkeypatch):
    asked = resolver(["93.184.216.34"], ["127.0.0.1"])
    called = []

    def connect(address, *args, **kwargs):
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unreachable):
        http.request("GET", "https://hooks.example/")
    assert (asked, called) == (["hooks.example"], [("93.184.216.34", 443)])


# -- which URLs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "https_required"),
        ("ftp://example.com/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("gopher://127.0.0.1:6379/_SET", "invalid_url"),
        ("//example.com", "invalid_url"),
        ("example.com", "invalid_url"),
        ("", "invalid_url"),
        ("https://", "invalid_url"),
        ("https://exa mple.com\x00/", "invalid_url"),
        ("https://user:password@example.com/", "url_with_password"),
        ("https://good.example@evil.example/", "url_with_password"),
        ("https://example.com:99999999/", "invalid_url"),
        ("https://example.com:0/", "invalid_url"),
    ],
)
def test_a_url_that_may_not_be_called_is_told_why(url, code):
    with pytest.raises(Blocked) as caught:
        http.check_url(url)
    assert (caught.value.code, caught.value.field) == (code, "url")


@given(st.text(max_size=60))
def test_no_text_makes_the_check_stumble(text):
    with contextlib.suppress(Blocked):
        http.check_url(text)


def test_the_allow_list_names_host_and_port(settings):
    settings.OUTBOUND_HTTP_ALLOWED_HOSTS = ["localhost:9999"]
    assert http.check_url("http://localhost:9999/x")
    with pytest.raises(Blocked):
        http.check_url("http://localhost:9998/x")


def test_an_unlisted_loopback_port_is_not_called(serve, settings):
    server = serve(OK)
    settings.OUTBOUND_HTTP_ALLOWED_HOSTS = []
    with pytest.raises(Blocked):
        http.request("GET", f"https://127.0.0.1:{server.port}/")
    assert server.requests == []


# -- what comes back ---------------------------------------------------------------------------------


def test_an_answer_comes_back_whole(serve):
    server = serve(OK)
    headers = {"X-One": "1"}
    answer = http.request(
        "POST", f"http://127.0.0.1:{server.port}/path?q=1", headers=headers, content=b"body"
    )
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"hello", "Test")
    assert server.requests[0].startswith(b"POST /path?q=1 HTTP/1.1\r\n")
    assert b"X-One: 1" in server.requests[0]


def test_a_redirect_is_an_answer_and_is_not_followed(serve):
    target = serve(OK)
    place = f"http://127.0.0.1:{target.port}/"
    server = serve(f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())
    answer = http.request("GET", f"http://127.0.0.1:{server.port}/")
    assert (answer.status, answer.headers["location"]) == (302, place)
    assert target.requests == []


def test_compressed_content_is_not_unpacked(serve):
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")
    assert http.request("GET", f"http://127.0.0.1:{server.port}/").body == b"abc"


def test_a_proxy_from_the_environment_is_not_used(serve, monkeypatch):
    server = serve(OK)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert http.request("GET", f"http://127.0.0.1:{server.port}/").status == 200


LONG = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000


def test_an_answer_that_is_too_long_is_refused(serve):
    server = serve(LONG)
    with pytest.raises(TooLarge):
        http.request("GET", f"http://127.0.0.1:{server.port}/", limits=Limits(max_bytes=1000))


def test_an_answer_that_is_too_long_is_cut_when_asked_for(serve):
    server = serve(LONG)
    url = f"http://127.0.0.1:{server.port}/"
    answer = http.request("GET", url, limits=Limits(max_bytes=1000), truncate=True)
    assert (len(answer.body), answer.truncated) == (1000, True)


# -- when it gives up --------------------------------------------------------------------------------


def _drip(connection: socket.socket, head: bytes) -> None:
    connection.sendall(head)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_dripping_server_is_left_at_the_deadline(serve, head):
    server = serve(lambda connection: _drip(connection, head))
    before = time.monotonic()
    with pytest.raises((TimedOut, Unreachable)):
        http.request("GET", f"http://127.0.0.1:{server.port}/", limits=Limits(total=0.4))
    assert time.monotonic() - before < 2


def test_a_silent_server_is_left_after_the_read_time(serve):
    waiting = threading.Event()
    server = serve(lambda connection: waiting.wait(5))
    before = time.monotonic()
    with pytest.raises(TimedOut):
        http.request("GET", f"http://127.0.0.1:{server.port}/", limits=Limits(read=0.2))
    waiting.set()
    assert time.monotonic() - before < 2


def test_a_resolver_that_hangs_is_left_at_the_deadline(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(policy, "resolve", lambda host, port: released.wait(5) and [])
    before = time.monotonic()
    with pytest.raises(TimedOut):
        http.request("GET", "https://hooks.example/", limits=Limits(total=0.2))
    released.set()
    assert time.monotonic() - before < 2


@pytest.mark.parametrize(
    "data", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"]
)
def test_something_that_is_not_whole_http_is_unreachable(serve, data):
    server = serve(data)
    with pytest.raises(Unreachable):
        http.request("GET", f"http://127.0.0.1:{server.port}/")


def test_a_name_without_address_is_unreachable(monkeypatch):
    def resolve(host, port):
        raise socket.gaierror

    monkeypatch.setattr(policy, "resolve", resolve)
    with pytest.raises(Unreachable):
        http.request("GET", "https://nowhere.example/")


def test_the_next_address_is_tried_when_one_refuses(serve, resolver):
    server = serve(OK, name="two.example")
    resolver(["127.0.0.2", "127.0.0.1"])
    assert http.request("GET", f"http://two.example:{server.port}/").status == 200


# -- TLS ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for hooks.example: (server context, client context)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(pem))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=made.public_bytes(pem).decode())


def test_certificate_and_host_keep_the_name_though_the_address_is_called(
    serve, resolver, certificate, monkeypatch
):
    context, trusting = certificate
    names = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    server = serve(OK, name="hooks.example", context=context)
    resolver(["127.0.0.1"])
    monkeypatch.setattr(client, "ssl_context", lambda: trusting)
    assert http.request("GET", f"https://hooks.example:{server.port}/").status == 200
    assert names == ["hooks.example"]
    assert f"host: hooks.example:{server.port}".encode() in server.requests[0].lower()


def test_a_certificate_of_nobody_we_know_is_refused(serve, resolver, certificate):
    server = serve(OK, name="hooks.example", context=certificate[0])
    resolver(["127.0.0.1"])
    with pytest.raises(Unreachable):
        http.request("GET", f"https://hooks.example:{server.port}/")
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused(serve, resolver, certificate, monkeypatch):
    server = serve(OK, name="other.example", context=certificate[0])
    resolver(["127.0.0.1"])
    monkeypatch.setattr(client, "ssl_context", lambda: certificate[1])
    with pytest.raises(Unreachable):
        http.request("GET", f"https://other.example:{server.port}/")
