"""The login of one number: a browser profile on this machine, and an encrypted copy of its essence for the others.

WhatsApp's key cannot be exported by script, but a profile can be moved: IndexedDB and Local Storage suffice. An old
copy would roll the encryption back, so copies carry rising generations, only the holder of the lease writes one, and
the profile of this machine is used as long as no newer copy exists.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

ESSENCE = ("Default/IndexedDB", "Default/Local Storage")
OWN = "https_web.whatsapp.com_0"
"""How Chromium begins the names of WhatsApp Web's databases."""
CACHES = (
    *(
        "Default/Cache",
        "Default/Code Cache",
        "Default/GPUCache",
        "Default/DawnGraphiteCache",
        "Default/DawnWebGPUCache",
    ),
    *("Default/Service Worker/CacheStorage", "Default/Service Worker/ScriptCache", "Default/blob_storage"),
    *("ShaderCache", "GrShaderCache", "GraphiteDawnCache", "component_crx_cache", "Crashpad"),
)
"""What Chromium makes anew when it is gone."""
_LOGIN = "login"

log = structlog.get_logger(__name__)


class Vault(Protocol):
    """Where copies are kept, encrypted and bound to the connection and their generation."""

    def newest(self) -> str:
        """The generation of the newest copy ("" when there is none). Generations sort as text."""

    def load(self, generation: str) -> bytes:
        """A copy. Raises ValueError when it was changed or its key is gone, FileNotFoundError when it is."""

    def keep(self, data: bytes) -> str:
        """Keep it under the next generation, which is returned; "" when the number is no longer ours."""

    def clear(self) -> None:
        """Forget all copies, unless the number is no longer ours."""


@dataclass(frozen=True)
class Note:
    """What the directory says of itself. login: which linking it holds. ended: why the last login is over.

    archived_at: when the copy of `generation` was made, ISO 8601. problem: why there is none newer, "" if all is well.
    """

    login: str = ""
    generation: str = ""
    ended: str = ""
    archived_at: str = ""
    problem: str = ""


class Profile:
    """The directory of one number. vault: None keeps the login on this machine only. limit: bytes that are copied."""

    def __init__(
        self,
        home: Path,
        name: str,
        vault: Vault | None,
        limit: int = 512 * 1024**2,
        caches: int = 256 * 1024**2,
    ) -> None:
        self.limit = limit
        self.caches = caches
        self.directory = home / name
        self.path = self.directory / "profile"
        self.vault = vault

    def prepare(self, login: str) -> str:
        """Have the profile of this login in place ("": a new one). Returns "" or why there is none any more."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        note = self.note()
        if not login:
            if not note.login:
                self._wipe()
            return ""
        newest = self.vault.newest() if self.vault else ""
        if note.login == login and note.generation >= newest and self.path.is_dir():
            return ""
        if note.ended and note.login == "":
            return note.ended
        return "" if newest and self._restore(newest, login) else "login_lost"

    def note(self) -> Note:
        """What is here."""
        try:
            return Note(**json.loads((self.directory / "note.json").read_text()))
        except (OSError, ValueError, TypeError):
            return Note()

    def linked(self, login: str) -> None:
        """A phone was linked with the profile that is here."""
        if self.note().login != login:
            self._write(Note(login=login))

    def archive(self, login: str) -> bool:
        """Keep a copy; the browser must have quit. False: it was not kept, and the note says why."""
        self.trim()
        if self.vault is None or not all((self.path / part).is_dir() for part in ESSENCE):
            return False
        if (size := sum(one.stat().st_size for one in essence(self.path))) > self.limit:
            log.error("session_too_large_to_archive", profile=self.directory.name, megabytes=size // 2**20)
            self._write(replace(self.note(), login=login, problem="too_large"))
            return False
        generation = self.vault.keep(pack(self.path, login))
        if generation:
            made = datetime.now(UTC).isoformat(timespec="seconds")
            self._write(Note(login=login, generation=generation, archived_at=made))
        return bool(generation)

    def failed(self, login: str) -> None:
        """Note that a copy could not be kept, although it should have been."""
        self._write(replace(self.note(), login=login, problem="failed"))

    def trim(self) -> None:
        """Remove Chromium's caches when they have grown large; the browser must have quit."""
        sizes = {part: _size(self.path / part) for part in CACHES}
        if sum(sizes.values()) <= self.caches:
            return
        for part in CACHES:
            shutil.rmtree(self.path / part, ignore_errors=True)
        log.info("caches_removed", profile=self.directory.name, megabytes=sum(sizes.values()) // 2**20)

    def forget(self, reason: str) -> None:
        """The login is over: nothing of it stays."""
        self._wipe()
        self._write(Note(ended=reason))
        if self.vault is not None:
            self.vault.clear()

    def _restore(self, generation: str, login: str) -> bool:
        assert self.vault is not None
        try:
            data = self.vault.load(generation)
            self._wipe()
            found = unpack(data, self.path)
        except (ValueError, OSError, tarfile.TarError):
            return False
        if found != login:
            self._wipe()
            return False
        self._write(Note(login=login, generation=generation, archived_at=_made_at(data)))
        return True

    def _wipe(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        (self.directory / "note.json").unlink(missing_ok=True)

    def _write(self, note: Note) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self.directory / "note.json"
        fresh = place.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(note)))
        fresh.replace(place)


def essence(profile: Path) -> Iterator[Path]:
    """The files that hold the login, without what other sites have left and without Chromium's diaries."""
    for part in ESSENCE:
        for one in sorted((profile / part).rglob("*")):
            place = one.relative_to(profile / part)
            foreign = part == "Default/IndexedDB" and not place.parts[0].startswith(OWN)
            if (
                one.is_file()
                and not one.is_symlink()
                and not foreign
                and one.name not in ("LOCK", "LOG", "LOG.old")
            ):
                yield one


def pack(profile: Path, login: str) -> bytes:
    """The profile's essence as a deflated tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=4) as tar:
        name = login.encode()
        info = tarfile.TarInfo(_LOGIN)
        info.size, info.mtime = len(name), int(datetime.now(UTC).timestamp())
        tar.addfile(info, io.BytesIO(name))
        for one in essence(profile):
            tar.add(one, arcname=str(one.relative_to(profile)), filter=_anonymous)
    return out.getvalue()


def unpack(data: bytes, profile: Path) -> str:
    """Lay the essence out as a new profile. Returns which login it holds. Raises tarfile.TarError or OSError."""
    profile.mkdir(parents=True, mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        named = tar.extractfile(_LOGIN)
        login = named.read().decode() if named else ""
        members = [one for one in tar.getmembers() if one.name.startswith(ESSENCE)]
        tar.extractall(profile, members=members, filter="data")
    return login


def _made_at(data: bytes) -> str:
    """When this copy was made, ISO 8601."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return datetime.fromtimestamp(tar.getmember(_LOGIN).mtime, UTC).isoformat(timespec="seconds")


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _size(directory: Path) -> int:
    return sum(one.stat().st_size for one in directory.rglob("*") if one.is_file() and not one.is_symlink())
