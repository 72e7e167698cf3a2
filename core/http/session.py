"""Many requests to one address over connections that are kept open, under the rules of `core.http.policy`.

The client is that of `http_client`, without its layers for cookies and redirects. Each new connection is made to an
address that was resolved and checked just then; a kept one still leads there, however the name's answers change. After
`KEEP_SECONDS` it is made anew, so that an address that has moved is found.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpcore2

from core.http import client, policy
from core.http.policy import Answer, Limits, TimedOut, Unreachable

KEEP_SECONDS = 120.0
IDLE_SECONDS = 15.0


class Caller:
    """Posts to one URL from many threads. Raises Blocked for an address that may not be called."""

    def __init__(self, url: str, *, connections: int = 8) -> None:
        exempt = policy.check_url(url)
        parsed = client.parse(url)
        self._url = httpcore2.URL(
            scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
        )
        self._host = parsed.netloc
        self._deadline = client.Deadline()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=client.ssl_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=client.CheckedBackend(self._deadline, exempt, KEEP_SECONDS),
        )

    def post(self, content: bytes, headers: Mapping[str, str], limits: Limits) -> Answer:
        """Send `content` and read the answer, cut at `limits.max_bytes`. Call it outside of transactions.

        A kept connection that turns out to have ended is replaced and the request sent again, so the other side may
        get it twice. Raises Blocked, TimedOut, Unreachable.
        """
        self._deadline.start(limits.total)
        while True:
            self._deadline.connected = False
            try:
                return self._send(content, headers, limits)
            except Unreachable:
                if self._deadline.connected:
                    raise

    def close(self) -> None:
        """End the connections. No request may be under way."""
        self._pool.close()

    def _send(self, content: bytes, headers: Mapping[str, str], limits: Limits) -> Answer:
        sent = [
            (b"Host", self._host),
            (b"User-Agent", client.USER_AGENT.encode()),
            (b"Accept-Encoding", b"identity"),
            (b"Content-Length", str(len(content)).encode()),
            *((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()),
        ]
        timeout = {
            "connect": limits.connect,
            "read": limits.read,
            "write": limits.read,
            "pool": limits.total,
        }
        try:
            with self._pool.stream(
                "POST", self._url, headers=sent, content=content, extensions={"timeout": timeout}
            ) as response:
                body, cut = policy.read_all(response.iter_stream(), limits.max_bytes, truncate=True)
        except (httpcore2.TimeoutException, TimeoutError) as error:
            raise TimedOut("timed_out", "The address did not answer in time.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise Unreachable("unreachable", "The address could not be reached.") from error
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Answer(response.status, names, body, cut)
