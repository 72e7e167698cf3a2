"""A receiver of webhooks that costs as little as possible: `python -m tests.benchmarks.receiver` prints its port.

Answers 200 at once; under /moody it fails, hangs (2 s) or breaks off two requests of three.
"""

from __future__ import annotations

import asyncio
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NO = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection."""

    moods = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            place = head.find(b"content-length:") + 15
            whole = end + 4 + int(head[place:].split(b"\r\n")[0])
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            self._answer(moody=head.startswith(b"post /moody"))

    def _answer(self, *, moody: bool) -> None:
        if not moody:
            self._transport.write(OK)
            return
        Receiver.moods += 1
        match Receiver.moods % 6:
            case 0:
                self._transport.abort()
            case 1:
                asyncio.get_running_loop().call_later(2.0, self._transport.write, NO)
            case 2 | 3:
                self._transport.write(NO)
            case _:
                self._transport.write(OK)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
