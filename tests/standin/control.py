"""The phones on a page for people: scan, write as a customer, see what arrived, unlink. For this machine only."""

from __future__ import annotations

import io
import json
import math
import threading
import time
import wave
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.standin.server import PICTURE, Standin
from tests.standin.things import CUSTOMER, Message, StandinError
from tests.standin.world import Phone

FILES = {"/": ("control.html", "text/html; charset=utf-8"), "/control.js": ("control.js", "text/javascript")}
FILES["/control.css"] = ("control.css", "text/css")
SITE = Path(__file__).parent / "site"
KINDS = {"image": "image/png", "audio": "audio/wav", "ptt": "audio/wav"}


class Control:
    """Serves the phone's page for a stand-in until `stop`."""

    def __init__(self, standin: Standin, port: int) -> None:
        self.standin = standin
        self._server = _Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, name="phone", daemon=True)

    def start(self) -> Control:
        """Serve in a thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://localhost:{self._server.server_address[1]}/"

    def state(self) -> dict[str, Any]:
        """What the page draws."""
        return {"phones": [_state(phone) for phone in self.standin.phones], "customer": CUSTOMER}

    def act(self, action: str, body: dict[str, Any]) -> str:
        """Do what a button says. Returns what went wrong, in words."""
        doing: Callable[[Phone, dict[str, Any]], object] | None = ACTIONS.get(action)
        if doing is None:
            return "There is no such button."
        try:
            with self.standin.lock:
                if action == "phone":
                    self.standin.add_phone(body["number"])
                else:
                    doing(self._phone(body["phone"]), body)
        except StandinError as error:
            return f"{error}."
        return ""

    def _phone(self, number: str) -> Phone:
        for phone in self.standin.phones:
            if phone.number == number:
                return phone
        raise StandinError(f"There is no phone {number}")


def _state(phone: Phone) -> dict[str, Any]:
    return {
        "number": phone.number,
        "linked": phone.linked,
        "qr": bool(phone.qr),
        "code": phone.code,
        "messages": [_message(phone, message) for message in phone.messages[-60:]],
    }


def _message(phone: Phone, message: Message) -> dict[str, Any]:
    person = phone.known_as(message.chat)
    text = message.caption or message.body
    return {
        "id": message.wa_id,
        "mine": message.from_me,
        "who": (person.number or f"LID {person.lid}") if person else message.chat,
        "text": f"[{message.kind}] {text}" if message.kind != "chat" else text,
        "ack": message.ack if message.from_me else 0,
        "seen": message.wa_id in phone.seen,
        "copies": phone.copies(message.wa_id),
        "time": time.strftime("%H:%M:%S", time.localtime(message.at)),
    }


def _tone(seconds: float = 0.6, rate: int = 8000) -> bytes:
    """A sound that can be played: WAV, 440 Hz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(
            bytes(128 + round(60 * math.sin(math.tau * 440 * at / rate)) for at in range(int(seconds * rate)))
        )
    return out.getvalue()


def _write(phone: Phone, body: dict[str, Any]) -> None:
    kind = body.get("kind", "chat")
    more: dict[str, Any] = {}
    if kind in KINDS:
        more = {"kind": kind, "media": PICTURE if kind == "image" else _tone(), "mime": KINDS[kind]}
    phone.message_in(body["text"], body["who"], push_name=body.get("name", ""), **more)


def _read(phone: Phone, body: dict[str, Any]) -> None:
    for message in phone.messages:
        if message.from_me and 0 < message.ack < 3:
            phone.receipt(message.wa_id, 3)


def _toggle_unreadable(phone: Phone, who: str) -> None:
    """The page cannot read this customer's chat, or can again."""
    if not phone.unreadable.pop(who, ""):
        phone.unreadable[who] = "error"


ACTIONS: dict[str, Callable[[Phone, dict[str, Any]], object]] = {
    "phone": lambda phone, body: None,
    "scan": lambda phone, body: phone.scan(),
    "pair": lambda phone, body: phone.pairing(body["code"]),
    "write": _write,
    "own": lambda phone, body: phone.typed_on_phone(body["text"], body["who"]),
    "read": _read,
    "unlink": lambda phone, body: phone.unlink(),
    "conflict": lambda phone, body: phone.conflict(),
    "offline": lambda phone, body: phone.offline(),
    "online": lambda phone, body: phone.online(),
    "fail": lambda phone, body: phone.fail_next_send(),
    "limit": lambda phone, body: setattr(phone, "limited", not phone.limited),
    "lookups": lambda phone, body: setattr(phone, "lookups_fail", "" if phone.lookups_fail else "refused"),
    "unreadable": lambda phone, body: _toggle_unreadable(phone, body["who"]),
    "migrate": lambda phone, body: phone.lid_migrated(),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, control: Control, port: int) -> None:
        self.control = control
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """The page, and what it draws."""
        path = urlsplit(self.path).path
        if path == "/state":
            with self.server.control.standin.lock:
                self._send(json.dumps(self.server.control.state()).encode(), "application/json")
        elif path in FILES:
            name, kind = FILES[path]
            self._send((SITE / name).read_bytes(), kind)
        else:
            self._send(b"", "text/plain", 404)

    def do_POST(self) -> None:
        """A button. Only from this page: others cannot send this type without asking first."""
        if self.headers.get("Content-Type") != "application/json":
            self._send(b"", "text/plain", 415)
            return
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        problem = self.server.control.act(self.path.removeprefix("/do/"), body)
        self._send(json.dumps({"problem": problem}).encode(), "application/json")

    def _send(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)
