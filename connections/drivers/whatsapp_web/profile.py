"""Login of one number: a browser profile on this machine, and archived copies of the files that hold the login.

A script cannot export WhatsApp's key, but the files of a profile (IndexedDB and Local Storage) can be moved to another
machine. An old copy would roll the encryption state back. So copies have increasing generations, only the holder of
the lease writes one, and the local profile is used unless a newer copy exists.
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

LOGIN_DIRECTORIES = ("Default/IndexedDB", "Default/Local Storage")
WHATSAPP_PREFIX = "https_web.whatsapp.com_0"
"""Prefix of the names of WhatsApp Web's databases in a Chromium profile."""
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
"""Directories that Chromium recreates."""
_LOGIN = "login"

log = structlog.get_logger(__name__)


class Archive(Protocol):
    """Storage of login copies, encrypted and bound to a connection and a generation."""

    def newest(self) -> str:
        """Return the newest generation, or "". Generations sort as text."""

    def load(self, generation: str) -> bytes:
        """Load a copy. Raises ValueError if it cannot be decrypted, FileNotFoundError if it does not exist."""

    def save(self, data: bytes) -> str:
        """Store a copy and return its generation; "" if the lease is lost."""

    def clear(self) -> None:
        """Delete all copies, unless the lease is lost."""


@dataclass(frozen=True)
class ProfileMetadata:
    """Content of `note.json` beside the profile.

    login: id of the linked login. generation: newest archived copy. ended: why the last login ended. archived_at: time
    of that copy, ISO 8601. problem: why no newer copy exists, or "".
    """

    login: str = ""
    generation: str = ""
    ended: str = ""
    archived_at: str = ""
    problem: str = ""


class Profile:
    """Profile directory of one number.

    archive: None keeps the login on this machine only. limit: maximum bytes to archive. caches: maximum bytes of
    Chromium's caches.
    """

    def __init__(
        self,
        home: Path,
        name: str,
        archive: Archive | None,
        limit: int = 512 * 1024**2,
        caches: int = 256 * 1024**2,
    ) -> None:
        self.limit = limit
        self.caches = caches
        self.directory = home / name
        self.path = self.directory / "profile"
        self._archive = archive

    def prepare(self, login: str) -> str:
        """Provide the profile of a login ("": a new profile). Returns "", or why the login no longer exists."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        metadata = self.metadata()
        if not login:
            if not metadata.login:
                self._wipe()
            return ""
        newest = self._archive.newest() if self._archive else ""
        if metadata.login == login and metadata.generation >= newest and self.path.is_dir():
            return ""
        if metadata.ended and metadata.login == "":
            return metadata.ended
        return "" if newest and self._restore(newest, login) else "login_lost"

    def metadata(self) -> ProfileMetadata:
        """Read the metadata; empty if missing or invalid."""
        try:
            return ProfileMetadata(**json.loads((self.directory / "note.json").read_text()))
        except (OSError, ValueError, TypeError):
            return ProfileMetadata()

    def mark_linked(self, login: str) -> None:
        """Record that a phone was linked with this profile."""
        if self.metadata().login != login:
            self._write(ProfileMetadata(login=login))

    def archive(self, login: str) -> bool:
        """Archive a copy; the browser must have quit. Returns False if it was not archived."""
        self._remove_large_caches()
        if self._archive is None or not all((self.path / part).is_dir() for part in LOGIN_DIRECTORIES):
            return False
        if (size := sum(file.stat().st_size for file in login_files(self.path))) > self.limit:
            log.error("session_too_large_to_archive", profile=self.directory.name, megabytes=size // 2**20)
            self._write(replace(self.metadata(), login=login, problem="too_large"))
            return False
        generation = self._archive.save(pack(self.path, login))
        if generation:
            made = datetime.now(UTC).isoformat(timespec="seconds")
            self._write(ProfileMetadata(login=login, generation=generation, archived_at=made))
        return bool(generation)

    def mark_archive_failed(self, login: str) -> None:
        """Record that archiving failed."""
        self._write(replace(self.metadata(), login=login, problem="failed"))

    def _remove_large_caches(self) -> None:
        """Remove Chromium's caches if they exceed `caches` bytes; the browser must have quit."""
        sizes = {part: _size(self.path / part) for part in CACHES}
        if sum(sizes.values()) <= self.caches:
            return
        for part in CACHES:
            shutil.rmtree(self.path / part, ignore_errors=True)
        log.info("caches_removed", profile=self.directory.name, megabytes=sum(sizes.values()) // 2**20)

    def erase(self, reason: str) -> None:
        """Delete the login with its archived copies. reason: recorded in the metadata."""
        self._wipe()
        self._write(ProfileMetadata(ended=reason))
        if self._archive is not None:
            self._archive.clear()

    def _restore(self, generation: str, login: str) -> bool:
        assert self._archive is not None
        try:
            data = self._archive.load(generation)
            self._wipe()
            unpacked_login = unpack(data, self.path)
        except (ValueError, OSError, tarfile.TarError):
            return False
        if unpacked_login != login:
            self._wipe()
            return False
        self._write(ProfileMetadata(login=login, generation=generation, archived_at=_made_at(data)))
        return True

    def _wipe(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        (self.directory / "note.json").unlink(missing_ok=True)

    def _write(self, metadata: ProfileMetadata) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / "note.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(metadata)))
        new.replace(path)


def login_files(profile: Path) -> Iterator[Path]:
    """Yield the files that hold the login, without those of other sites and without LevelDB's logs and locks."""
    for directory in LOGIN_DIRECTORIES:
        for path in sorted((profile / directory).rglob("*")):
            relative = path.relative_to(profile / directory)
            foreign = directory == "Default/IndexedDB" and not relative.parts[0].startswith(WHATSAPP_PREFIX)
            if (
                path.is_file()
                and not path.is_symlink()
                and not foreign
                and path.name not in ("LOCK", "LOG", "LOG.old")
            ):
                yield path


def pack(profile: Path, login: str) -> bytes:
    """Return the login files as a gzipped tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=4) as tar:
        name = login.encode()
        info = tarfile.TarInfo(_LOGIN)
        info.size, info.mtime = len(name), int(datetime.now(UTC).timestamp())
        tar.addfile(info, io.BytesIO(name))
        for path in login_files(profile):
            tar.add(path, arcname=str(path.relative_to(profile)), filter=_anonymous)
    return out.getvalue()


def unpack(data: bytes, profile: Path) -> str:
    """Create a profile from a tar. Returns its login id. Raises tarfile.TarError or OSError."""
    profile.mkdir(parents=True, mode=0o700)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        named = tar.extractfile(_LOGIN)
        login = named.read().decode() if named else ""
        members = [member for member in tar.getmembers() if member.name.startswith(LOGIN_DIRECTORIES)]
        tar.extractall(profile, members=members, filter="data")
    return login


def _made_at(data: bytes) -> str:
    """Return the time at which a copy was made, ISO 8601."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return datetime.fromtimestamp(tar.getmember(_LOGIN).mtime, UTC).isoformat(timespec="seconds")


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _size(directory: Path) -> int:
    return sum(
        path.stat().st_size for path in directory.rglob("*") if path.is_file() and not path.is_symlink()
    )
