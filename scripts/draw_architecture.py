"""Draws docs/images/rooms.svg and docs/images/message.svg.

The rooms come from the layers of the import contracts in pyproject.toml, the folders and the apps' descriptions. The
ways of a message are listed here, and each step names the module that does it.

`python scripts/draw_architecture.py`. Standard library alone; the pictures are the same every time.
"""

from __future__ import annotations

import ast
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH = 980
COMMON = {"migrations", "management", "templatetags", "views", "services", "models", "api", "__pycache__"}
"""Folders that many apps have; what they hold is said in CONTRIBUTING.md."""
STYLE = """
<style>
  svg { background: #ffffff } text { fill: #1d282c; font: 13px system-ui, sans-serif }
  .name { font-weight: 600; font-size: 15px } .small { fill: #546268; font-size: 12px }
  .code { font-family: ui-monospace, monospace; font-size: 12px }
  .box { fill: #f3f7f7; stroke: #9db2b4 } .room { fill: #dcecea; stroke: none } .line { stroke: #546268; fill: none }
  @media (prefers-color-scheme: dark) {
    svg { background: #12181a } text { fill: #e7eeee } .small { fill: #a9babd }
    .box { fill: #1b2426; stroke: #4b5e61 } .room { fill: #22403c } .line { stroke: #a9babd }
  }
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
  <path d="M0 0 L8 4 L0 8 z" fill="#7f9396"/></marker></defs>
""".strip()

Step = tuple[str, str, str]
"""(module, what it does, state of the row afterwards)."""

INBOUND: tuple[Step, ...] = (
    ("connections/drivers/whatsapp_web/event_queue.py", "takes events from WhatsApp's page", ""),
    ("messaging/runner/session.py", "passes them on in batches, under the number's lease", ""),
    ("messaging/inbound/receiver.py", "stores a batch in one transaction", "contact, conversation, message"),
    ("contacts/services/identities.py", "finds whose phone number or LID it is", ""),
    ("messaging/inbound/automation.py", "matches opt-out words and tag rules", ""),
    (
        "webhooks/services/recording.py",
        "records the public event in the same transaction",
        "delivery: pending",
    ),
    ("messaging/inbox/live_updates.py", "after the commit, pushes to the open pages", ""),
    ("whatsflow/live_socket.py", "sends the frame to each browser", ""),
    ("webhooks/delivery/queue.py", "claims due deliveries for the dispatcher", ""),
    ("webhooks/delivery/endpoint_worker.py", "posts to the endpoint, retries later", "delivery: delivered"),
)
OUTBOUND: tuple[Step, ...] = (
    ("messaging/views/actions.py", "a person replies, or a program by messaging/api", ""),
    ("campaigns/services/outbox_feeder.py", "or a campaign queues messages of its next recipients", ""),
    ("messaging/outbox/queue.py", "inserts the message: its row is the queue entry", "queued"),
    ("core/realtime/wakeup.py", "wakes the number's runner; a lost wake-up costs seconds", ""),
    ("messaging/runner/sender.py", "takes due messages in order: claim, begin, send, settle", ""),
    ("messaging/outbox/campaign_gate.py", "pacing, opt-outs and limits of campaigns", "queued, not before …"),
    ("messaging/outbox/dispatch.py", "commits the claim and WhatsApp's id before the send", "sending"),
    ("connections/drivers/whatsapp_web/commands.py", "sends the message and returns the result", ""),
    ("messaging/outbox/acks.py", "raises the status by results and receipts", "sent, delivered, read"),
    ("messaging/outbox/transitions.py", "updates the preview in the list, publishes the event", ""),
)


def layers() -> list[list[str]]:
    """List the packages by layer, the highest first, as the import contract orders them."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = next(one for one in config["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def description(package: str) -> str:
    """First line of the docstring of the app's configuration, else of the package."""
    config = ROOT / package / "apps.py"
    trees = [
        ast.parse(path.read_text()) for path in (config, ROOT / package / "__init__.py") if path.exists()
    ]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.Module)]
    lines = [ast.get_docstring(node) for node in nodes]
    return next((line.splitlines()[0] for line in lines if line), "")


def rooms(package: str) -> list[str]:
    """Folders of the package that are its own."""
    folders = sorted(path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists())
    return [name for name in folders if name not in COMMON]


def picture_of_rooms() -> str:
    """Boxes of packages, a row a layer; a layer may only import what lies below it."""
    parts, y = [], 56
    for layer in layers():
        width = (WIDTH - 150 - 12 * (len(layer) - 1)) / len(layer)
        height = 84 if any(rooms(package) for package in layer) else 56
        for place, package in enumerate(layer):
            x = 110 + place * (width + 12)
            parts += [
                f'<rect class="box" x="{x:.0f}" y="{y}" width="{width:.0f}" height="{height}" rx="6"/>',
                _text(x + 12, y + 23, package + "/", "name"),
                _text(x + 12, y + 45, _cut(description(package), width / 6.2), "small"),
            ]
            chip = x + 12
            for room in rooms(package):
                size = 16 + 7 * len(room)
                parts.append(
                    f'<rect class="room" x="{chip:.0f}" y="{y + 55}" width="{size}" height="21" rx="10"/>'
                )
                parts.append(_text(chip + 8, y + 70, room, "code"))
                chip += size + 6
        y += height + 12
    parts += [
        _text(20, 30, "A package imports what lies below it, never what lies above or beside it.", "name"),
        _arrow(60, 62, 60, y - 20),
        _text(14, y - 2, "calls services and selectors", "small"),
        _arrow(WIDTH - 20, y - 20, WIDTH - 20, 62),
        _text(WIDTH - 20, y - 2, "publishes events", "small", "end"),
    ]
    return _svg(parts, y + 12, "The packages of WhatsFlow by layer")


def picture_of_message() -> str:
    """Two columns of steps: in and out."""
    parts: list[str] = []
    column = (WIDTH - 60) / 2
    for place, (title, steps) in enumerate(
        (("A customer writes", INBOUND), ("The business writes", OUTBOUND))
    ):
        x = 20 + place * (column + 20)
        parts.append(_text(x, 30, title, "name"))
        for number, (path, what, state) in enumerate(steps):
            y = 46 + number * 72
            if number:
                parts.append(_arrow(x + 30, y - 18, x + 30, y - 2))
            parts += [
                f'<rect class="box" x="{x:.0f}" y="{y}" width="{column:.0f}" height="52" rx="6"/>',
                _text(x + 12, y + 21, path, "code"),
                _text(x + 12, y + 41, what, "small"),
            ]
            if state:
                size = 16 + 6.6 * len(state)
                parts.append(
                    f'<rect class="room" x="{x + column - size - 8:.0f}" y="{y + 27}" width="{size:.0f}" '
                    'height="20" rx="10"/>'
                )
                parts.append(_text(x + column - size, y + 41, state, "small"))
    return _svg(parts, 46 + 72 * max(len(INBOUND), len(OUTBOUND)), "The way of a message, in and out")


def _svg(parts: list[str], height: int, title: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", STYLE, *parts, "</svg>", ""])


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="line" x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" marker-end="url(#arrow)"/>'


def _cut(words: str, length: float) -> str:
    return words if len(words) <= length else words[: int(length) - 1].rstrip(" ,.") + "…"


PICTURES = {"rooms.svg": picture_of_rooms, "message.svg": picture_of_message}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (IMAGES / name).write_text(draw())
