"""Which pages may open a socket: our own, and nobody who only looks like us."""

from __future__ import annotations

import pytest

from whatsflow.asgi import is_same_origin


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://[",
        "http://testserver.evil.example",
        "http://evil.example",
        "http://evil.example@testserver",
        "http://testserver:81",
        "file://testserver",
        "javascript:testserver",
        "http://test\xffserver",
    ],
)
def test_no_other_origin_is_taken_for_ours(origin: str, settings) -> None:  # type: ignore[no-untyped-def]
    settings.ALLOWED_HOSTS = ["testserver"]
    headers = [(b"host", b"testserver"), (b"origin", origin.encode("latin1"))]
    assert not is_same_origin({"headers": headers})


def test_a_foreign_host_does_not_vouch_for_its_own_origin(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ALLOWED_HOSTS = ["testserver"]
    headers = [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
    assert not is_same_origin({"headers": headers})


def test_our_own_origin_is_ours(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ALLOWED_HOSTS = ["testserver"]
    assert is_same_origin({"headers": [(b"host", b"testserver"), (b"origin", b"http://testserver")]})
