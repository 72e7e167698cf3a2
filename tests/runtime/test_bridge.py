"""HTTP through the ASGI server to the WSGI handler."""

import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from tests.runtime.processes import Site, site


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("bridge")
    big = home / "big"
    big.write_bytes(bytes(range(256)) * 80_000)  # 20 MB
    with site(home, SITE_FILE=str(big)) as started:
        yield started


def test_path_query_and_body_arrive(running: Site) -> None:
    status, body = running.get("/echo?a=%C3%A9&b=1", "POST", b"hello")
    assert (status, body.decode()) == (200, "POST /echo?a=%C3%A9&b=1 5 hello")


def test_a_body_above_the_spool_size_arrives_whole(running: Site) -> None:
    size = 3 * 1024 * 1024
    status, body = running.get("/echo", "POST", b"x" * size)
    assert (status, body.split()[2]) == (200, str(size).encode())


def test_a_body_sent_in_chunks_arrives(running: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.request(
        "POST", "/echo", body=iter([b"ab", b"cd"]), encode_chunked=True, headers={"Host": "localhost"}
    )
    assert connection.getresponse().read().decode() == "POST /echo 4 abcd"
    connection.close()


def test_a_body_above_the_limit_is_refused_before_it_is_read(running: Site) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_a_client_that_sends_slowly_holds_no_thread(running: Site) -> None:
    clients = [socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(10)]
    for client in clients:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab")
    assert running.get("/") == (200, b"home")
    clients[0].sendall(b"cdefghij")
    answer = b""
    while b"POST /echo 10" not in answer:
        part = clients[0].recv(1000)
        assert part, f"the connection ended after {answer!r}"
        answer += part
    for client in clients:
        client.close()


def test_clients_that_read_a_file_slowly_hold_no_thread(running: Site) -> None:
    clients = [socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(10)]
    for client in clients:
        client.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
    before = time.monotonic()
    assert running.get("/") == (200, b"home")
    assert time.monotonic() - before < 5
    for client in clients:
        client.close()


def test_a_file_comes_whole(running: Site) -> None:
    status, body = running.get("/file")
    assert status == 200
    assert body == bytes(range(256)) * 80_000


def test_a_streamed_answer_comes_whole(running: Site) -> None:
    assert running.get("/stream") == (200, b"x" * 50_000)


def test_an_endless_stream_ends_when_its_reader_leaves(running: Site) -> None:
    for _ in range(20):  # more than there are threads for streams
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
            client.sendall(b"GET /stream?forever HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(1000)
    assert running.get("/stream") == (200, b"x" * 50_000)


def test_a_head_request_gets_no_body(running: Site) -> None:
    for path in ("/", "/file", "/stream"):
        assert running.get(path, "HEAD") == (200, b"")


def test_headers_cannot_pass_for_others(running: Site) -> None:
    _, body = running.get("/meta", **{"X_Forwarded_For": "6.6.6.6", "X-Own": "1"})
    text = body.decode()
    assert "HTTP_X_OWN=1" in text
    assert "6.6.6.6" not in text


def test_a_forwarded_address_is_not_believed_unasked(running: Site) -> None:
    _, body = running.get("/meta", **{"X-Forwarded-For": "6.6.6.6"})
    assert "REMOTE_ADDR=127.0.0.1" in body.decode()


def test_an_error_in_a_view_is_a_500_and_no_more(running: Site) -> None:
    assert running.get("/broken")[0] == 500
    assert running.get("/")[0] == 200
