"""Keys of an installation without configured ones, generated on the first start into files of mode 0600."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path


def load_or_create(home: Path) -> dict[str, str]:
    """Load {"secret_key", "encryption_key"} from `home`/keys, creating what is missing (directories 0700, files 0600).

    `home` also holds the database and media files, so it is created with mode 0700, too.
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
    """Read the file, or create it with `fresh`, by an atomic link, so that concurrent starts agree on one key."""
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
    """Derive a key for one purpose (HMAC-SHA256), from which `key` cannot be computed."""
    return hmac.new(key.encode(), purpose.encode(), hashlib.sha256).hexdigest()
