"""Keys of an installation that brings none: made on the first start, kept in files that only their owner can read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path


def load_or_create(home: Path) -> dict[str, str]:
    """{"secret_key", "encryption_key"} from `home`/keys, creating what is missing (directories 0700, files 0600).

    `home` also keeps the database and the files of messages: one that is made here is its owner's alone.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = home / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "secret_key": _read_or_write(folder / "secret_key", secrets.token_urlsafe(64)),
        "encryption_key": _read_or_write(
            folder / "encryption_key", base64.urlsafe_b64encode(os.urandom(32)).decode()
        ),
    }


def _read_or_write(path: Path, fresh: str) -> str:
    """The file's content; written whole under another name first, so that two starting processes agree on one key."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text().strip()


def derive(key: str, purpose: str) -> str:
    """A key of its own for one purpose, from which the first cannot be found."""
    return hmac.new(key.encode(), purpose.encode(), hashlib.sha256).hexdigest()
