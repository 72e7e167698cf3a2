"""Writes docs/api-errors.md: every stable error code, read from where it is raised. `--check` only compares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "api-errors.md"
APPS = (
    "accounts",
    "analytics",
    "campaigns",
    "connections",
    "contacts",
    "jobs",
    "messaging",
    "webhooks",
    "core",
)
STATUSES = {
    "InvalidInput": 422,
    "Unreadable": 422,
    "Conflict": 409,
    "Forbidden": 403,
    "Unauthorized": 401,
    "PreconditionFailed": 412,
    "TooManyRequests": 429,
    "Blocked": 422,
    "TimedOut": 504,
    "Unreachable": 502,
    "TooLarge": 502,
}
FRAMEWORK = {
    "invalid": (400, "Something has not the right form; `details` names each field."),
    "parse_error": (400, "The body is no JSON."),
    "not_authenticated": (401, "No credential was sent."),
    "forbidden": (403, "The role does not allow it."),
    "not_found": (404, "There is no such thing in this business."),
    "method_not_allowed": (405, "The address does not have this method; `Allow` names those it has."),
    "body_too_large": (413, "A JSON body has at most 2,048 KB."),
    "unsupported_media_type": (415, "The body has another media type than the operation takes."),
    "throttled": (429, "Too many requests; `Retry-After` says when to come back."),
    "server_error": (500, "Something went wrong on our side."),
    "storage_full": (507, "There is no room left for files."),
    "decoder_busy": (503, "Too many files are being processed right now; try again in a moment."),
}
HEAD = """# Error codes of the API

Each answer that says no has a `code` that does not change; its `message` is for people and may. This list is made from
the code by `scripts/error_codes.py`. Codes of single fields in `details` (`required`, `unknown_field`, `max_length`, …)
say what is wrong with a field's form.

| code | status | what it says |
|---|---|---|
"""


def codes() -> dict[str, tuple[int, str]]:
    """Return each code with its status and message."""
    found = dict(FRAMEWORK)
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            for code, status, message in _raised(ast.parse(path.read_text())):
                found.setdefault(code, (status, message))
    return found


def _raised(tree: ast.AST) -> Iterator[tuple[str, int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in STATUSES or not node.args:
            continue
        named = {one.arg: one.value for one in node.keywords}
        code, message = (named.get("code"), node.args[0]) if name == "Forbidden" else (node.args[0], None)
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            said = message or (node.args[1] if len(node.args) > 1 else None)
            yield code.value, STATUSES[name], _words(said)


def _words(node: ast.AST | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def page() -> str:
    """Return the whole document."""
    lines = [f"| `{code}` | {status} | {text} |" for code, (status, text) in sorted(codes().items())]
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or with --check say whether it is up to date."""
    if "--check" in sys.argv:
        return 0 if TARGET.exists() and TARGET.read_text() == page() else 1
    TARGET.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
