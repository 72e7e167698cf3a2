"""Serves the page and its wire over HTTPS, and holds the phones. A thread for each request; one lock for the world."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connections.drivers.sandbox import images
from tests.standin.certificate import context
from tests.standin.pages import Page
from tests.standin.things import OWN_NUMBER, Media
from tests.standin.world import Phone

SITE = Path(__file__).parent / "site"
SCRIPTS = (
    "registry",
    "models",
    "identity",
    "vault",
    "wire",
    "connection",
    "stores",
    "inbox",
    "outbox",
    "main",
)
POLICY = (
    "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic'; object-src 'none'; base-uri 'none';"
    " style-src 'self'; img-src 'self' data: blob: https://*.whatsapp.net; media-src 'self' blob:;"
    " connect-src 'self' blob: data: https://*.whatsapp.net; require-trusted-types-for 'script'; trusted-types 'none'"
)
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f"
    "0005000201a2d2b1c30000000049454e44ae426082"
)
Body = dict[str, Any]


class Standin:
    """`with Standin() as standin:` … Everything that is not found here is asked of `phone`, the first one."""

    url = "https://web.whatsapp.com/"

    def __init__(self, port: int = 0) -> None:
        self.without: set[str] = set()
        self.qr_seconds = 20.0
        self.qr_limit = 6
        self.sync_seconds = 0.0
        self.deprecated = 0
        self.offline_arrives = "new"
        self.foreign_hosts: set[str] = set()
        self.webdriver_seen = False
        self.refused_agents: list[str] = []
        self.pages: dict[str, Page] = {}
        self.phones: list[Phone] = []
        self.lock = threading.RLock()
        self.phone = self.add_phone()
        self._server = _Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, name="standin", daemon=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "phone" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.phone, name)

    def __enter__(self) -> Standin:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> Standin:
        """Serve, in threads of this process."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every page's line and the port."""
        for page in list(self.pages.values()):
            page.close()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def browser_args(self) -> list[str]:
        """What Chromium needs to find WhatsApp here, and nothing anywhere else."""
        return [f"--host-resolver-rules=MAP * 127.0.0.1:{self.port}", "--ignore-certificate-errors"]

    def add_phone(self, number: str = "", name: str = "") -> Phone:
        """One more phone with an account of its own."""
        made = Phone(number=number or OWN_NUMBER, find_page=self.page_that_shows)
        made.name = name or made.name
        self.phones.append(made)
        return made

    def page_that_shows(self, qr: str, code: str) -> Page | None:
        """The newest open page that shows this QR code ("": any) or this pairing code ("*": any; "": not asked for)."""
        for page in reversed(list(self.pages.values())):
            if page.closed or page.phone is not None:
                continue
            if code:
                if page.code and code in ("*", page.code):
                    return page
            elif page.qr and (not qr or qr.split(",")[0] == page.ref):
                return page
        return None

    # What pages ask ----------------------------------------------------------------------------------------

    def answer(self, call: str, page: Page | None, body: Body) -> Body | None:
        """Answer a call of a page; None if there is no such call or page."""
        handler: Callable[[Page, Body], Body] | None = getattr(self, f"wire_{call}", None)
        if handler is None or (page is None and call != "hello"):
            return None
        if call == "sync":
            time.sleep(self.sync_seconds)
        with self.lock:
            return handler(page or Page(), body)

    def wire_hello(self, page: Page, body: Body) -> Body:
        """A page was loaded, with or without a login."""
        self.pages[page.name] = page
        self.webdriver_seen = self.webdriver_seen or bool(body["webdriver"])
        token = body["token"]
        if not token:
            page.show(self.qr_seconds)
            return {"page": page.name}
        for phone in self.phones:
            if token == phone.token:
                phone.attach(page)
                me = {
                    "pn": f"{phone.number.removeprefix('+')}@c.us",
                    "lid": f"{phone.lid}@lid",
                    "name": phone.name,
                }
                return {"page": page.name, "me": me}
        reasons = [phone.ended[token] for phone in self.phones if token in phone.ended]
        return {"page": page.name, "refused": reasons[0] if reasons else "unknown_companion"}

    def wire_refresh_ref(self, page: Page, body: Body) -> Body:
        """A person asked for another QR code."""
        if page.phone is None:
            page.refs = 0
            page.show(self.qr_seconds)
        return {}

    def wire_qr(self, page: Page, body: Body) -> Body:
        """The QR code that the page now shows."""
        page.qr = body["qr"]
        return {}

    def wire_link_code(self, page: Page, body: Body) -> Body:
        """The page wants to link by code."""
        alphabet = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
        page.code = "".join(secrets.choice(alphabet) for _ in range(8))
        page.code_phone = body["phone"]
        return {"code": page.code}

    def wire_sync(self, page: Page, body: Body) -> Body:
        """The page has logged in and reads its chats."""
        if page.phone is None:
            return {"messages": [], "people": [], "migrated": False}
        if self.offline_arrives == "history":
            for message in page.phone.messages:
                message.delivered = True
        return page.phone.history()

    def wire_synced(self, page: Page, body: Body) -> Body:
        """The page has its chats; what waited may come."""
        page.synced = page.phone is not None
        if page.phone is not None:
            page.phone.deliver_waiting()
        if self.deprecated > 0:
            self.deprecated -= 1
            page.tell("mode", mode="DEPRECATED_VERSION", info="")
        return {}

    def wire_logout(self, page: Page, body: Body) -> Body:
        """The page's own "log out"."""
        if page.phone is not None:
            page.phone.ended[page.phone.token] = "user_initiated"
            page.phone.token, page.phone.page = "", None
            page.phone = None
        return {}

    def wire_prepare(self, page: Page, body: Body) -> Body:
        """A file is being made ready."""
        return {"hang": bool(page.phone and page.phone.take_hang("prep"))}

    def wire_send(self, page: Page, body: Body) -> Body:
        """A message leaves."""
        return page.phone.take(body) if page.phone else {"error": "ERROR_NETWORK"}

    def wire_find_chat(self, page: Page, body: Body) -> Body:
        """Which chat a person has; none if they are not on WhatsApp."""
        person = page.phone.known_as(body["wid"]) if page.phone else None
        if person is None or page.phone is None:
            return {"chat": None}
        as_lid = page.phone.migrated or body["wid"].endswith("@lid")
        return {"chat": person.wid(as_lid=as_lid)}

    def wire_exists(self, page: Page, body: Body) -> Body:
        """Whether a number is on WhatsApp; tells its LID too."""
        if page.phone:
            page.phone.looked_up.append(body["wid"])
        if page.phone and page.phone.lookups_fail:
            return {"fault": page.phone.lookups_fail}
        person = page.phone.known_as(body["wid"]) if page.phone else None
        if person is None:
            return {"wid": None}
        person.told = person.told or bool(person.number)
        pair = {"pn": person.wid(as_lid=False), "lid": person.wid(as_lid=True)} if person.number else {}
        return {"wid": body["wid"], "people": [{"wid": body["wid"], "pushname": person.name, **pair}]}

    def wire_picture(self, page: Page, body: Body) -> Body:
        """Where somebody's picture is."""
        if page.phone and page.phone.pictures_fail:
            return {"refused": 429}
        person = page.phone.known_as(body["wid"]) if page.phone else None
        return {"url": f"https://pps.whatsapp.net/v/{person.lid}.png" if person else None}

    def wire_search(self, page: Page, body: Body) -> Body:
        """The page searches a chat for a message."""
        return {"refused": bool(page.phone and page.phone.searches_fail)}

    def wire_read_chat(self, page: Page, body: Body) -> Body:
        """The page reads a chat from its database: what goes wrong then."""
        person = page.phone.known_as(body["chat"]) if page.phone else None
        if person is None or page.phone is None:
            return {"fault": ""}
        return {
            "fault": page.phone.unreadable.get(person.number) or page.phone.unreadable.get(person.lid, "")
        }

    def wire_seen(self, page: Page, body: Body) -> Body:
        """A person read these."""
        if page.phone is not None:
            page.phone.seen.update(body["ids"])
        return {}

    def wire_composing(self, page: Page, body: Body) -> Body:
        """Take "is typing" towards a customer."""
        if page.phone is not None:
            page.phone.composing.append((body["chat"], body["state"]))
        return {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, standin: Standin, port: int) -> None:
        self.standin = standin
        self.tls = context()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers drop connections all the time."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 75

    def setup(self) -> None:
        """TLS in this connection's own thread."""
        self.request.settimeout(self.timeout)
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        """Close what `setup` wrapped."""
        super().finish()
        self.request.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    @property
    def standin(self) -> Standin:
        return self.server.standin

    def do_GET(self) -> None:
        """The page, its scripts, its stream of events, media and pictures."""
        host = self.headers.get("Host", "").split(":")[0]
        address = urlsplit(self.path)
        if host.endswith(".whatsapp.net"):
            portrait = images.portrait(zlib.crc32(address.path.encode()))
            self._send(portrait, "image/jpeg", {"Access-Control-Allow-Origin": "*"})
        elif host != "web.whatsapp.com":
            self.standin.foreign_hosts.add(host)
            self._send(b"", status=404)
        elif address.path == "/":
            self._page(parse_qs(address.query).get("without", [""])[0])
        elif address.path == "/events":
            self._events(parse_qs(address.query)["page"][0])
        elif address.path.startswith("/site/"):
            self._script(address.path.removeprefix("/site/"))
        elif address.path.startswith("/media/"):
            self._media(address.path.removeprefix("/media/"))
        else:
            self._send(b"", status=404)

    def do_POST(self) -> None:
        """A call of the page."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Host", "").split(":")[0] != "web.whatsapp.com":
            self.standin.foreign_hosts.add(self.headers.get("Host", ""))
            self._send(b"", status=404)
            return
        page = self.standin.pages.get(self.headers.get("X-Page", ""))
        call = self.path.removeprefix("/wire/")
        if call == "upload":
            answer = self._upload(page, raw)
        else:
            answer = self.standin.answer(call, page, json.loads(raw or b"{}"))
        if answer is None:
            self._send(b"{}", "application/json", status=404)
        else:
            self._send(json.dumps(answer).encode(), "application/json")

    def _send(
        self,
        content: bytes,
        kind: str = "text/plain",
        headers: dict[str, str] | None = None,
        status: int = 200,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _page(self, without: str) -> None:
        agent = self.headers.get("User-Agent", "")
        if "HeadlessChrome" in agent or "Chrome/" not in agent:
            self.standin.refused_agents.append(agent)
            self._send((SITE / "refused.html").read_bytes(), "text/html; charset=utf-8")
            return
        nonce = secrets.token_urlsafe(16)
        missing = self.standin.without | set(filter(None, without.split(",")))
        scripts = "\n".join(f'<script nonce="{nonce}" src="/site/{name}.js"></script>' for name in SCRIPTS)
        page = (SITE / "index.html").read_text()
        page = page.replace("{{without}}", ",".join(sorted(missing))).replace("{{scripts}}", scripts)
        policy = {"Content-Security-Policy": POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
        self._send(page.encode(), "text/html; charset=utf-8", policy)

    def _script(self, name: str) -> None:
        if name.removesuffix(".js") in SCRIPTS:
            self._send((SITE / name).read_bytes(), "text/javascript", {"Cache-Control": "no-store"})
        else:
            self._send(b"", status=404)

    def _media(self, media: str) -> None:
        for phone in self.standin.phones:
            if media in phone.media:
                self._send(phone.media[media].data, "application/octet-stream")
                return
        self._send(b"", status=404)

    def _upload(self, page: Page | None, raw: bytes) -> Body | None:
        if page is None or page.phone is None:
            return None
        return {"media": page.phone.store(Media(raw, "application/octet-stream")).media}

    def _events(self, name: str) -> None:
        """Server-sent events; after a break the browser says where it was. Ends when the page is gone."""
        page = self.standin.pages.get(name)
        if page is None:
            self._send(b"", status=404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.close_connection = True
        seen = int(self.headers.get("Last-Event-ID") or 0)
        try:
            self._stream(page, seen)
        except (OSError, ssl.SSLError):
            page.close()

    def _stream(self, page: Page, seen: int) -> None:
        while not page.closed:
            with self.standin.lock:
                page.tick(self.standin.qr_seconds, self.standin.qr_limit)
            events = page.after(seen, 0.25)
            for event in events:
                seen += 1
                self.wfile.write(f"id: {seen}\ndata: {json.dumps(event)}\n\n".encode())
            if not events:
                self.wfile.write(b": still here\n\n")
