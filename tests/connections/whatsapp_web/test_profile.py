"""What is copied of a browser profile, what is not, and what is said when it cannot be."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connections.drivers.whatsapp_web import profile as profiles
from connections.drivers.whatsapp_web.profile import Profile
from tests.connections.whatsapp_web.memory_archive import MemoryArchive

LOGIN = "one-linking"
DATABASE = "Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb/000003.log"


@pytest.fixture
def archive() -> MemoryArchive:
    return MemoryArchive()


@pytest.fixture
def profile(tmp_path: Path, archive: MemoryArchive) -> Profile:
    """A linked profile with 3 kB that matter."""
    made = Profile(tmp_path, "number", archive, limit=8192, caches=4096)
    assert made.prepare("") == ""
    put(made, DATABASE, 2048)
    put(made, "Default/Local Storage/leveldb/000005.ldb", 1024)
    made.mark_linked(LOGIN)
    return made


def put(profile: Profile, place: str, size: int) -> Path:
    path = profile.path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def copied(archive: MemoryArchive) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(archive.load(archive.newest())), mode="r:gz") as tar:
        return {name for name in tar.getnames() if name != "login"}


def test_only_the_login_is_copied(profile: Profile, archive: MemoryArchive) -> None:
    put(profile, "Default/IndexedDB/https_example.com_0.indexeddb.leveldb/000003.log", 100)
    put(profile, "Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb/LOG.old", 100)
    put(profile, "Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb/LOCK", 0)
    put(profile, "Default/Cache/data_1", 100)
    assert profile.archive(LOGIN)
    assert copied(archive) == {DATABASE, "Default/Local Storage/leveldb/000005.ldb"}


def test_a_copy_becomes_the_same_profile_elsewhere(
    profile: Profile, archive: MemoryArchive, tmp_path: Path
) -> None:
    profile.archive(LOGIN)
    elsewhere = Profile(tmp_path / "elsewhere", "number", archive)
    assert elsewhere.prepare(LOGIN) == ""
    assert (elsewhere.path / DATABASE).read_bytes() == b"x" * 2048
    metadata = elsewhere.metadata()
    assert metadata.login == LOGIN
    assert datetime.now(UTC) - datetime.fromisoformat(metadata.archived_at) < timedelta(minutes=1)


def test_what_other_sites_and_diaries_take_does_not_count(profile: Profile) -> None:
    put(profile, "Default/IndexedDB/https_example.com_0.indexeddb.leveldb/000003.log", 20_000)
    put(profile, "Default/Local Storage/leveldb/LOG", 20_000)
    assert profile.archive(LOGIN)


def test_a_login_that_has_grown_too_large_is_said_and_the_older_copy_stays(
    profile: Profile, archive: MemoryArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.archive(LOGIN)
    put(profile, DATABASE, 20_000)
    assert not profile.archive(LOGIN)
    metadata = profile.metadata()
    assert (metadata.problem, metadata.generation, metadata.login) == ("too_large", "000001", LOGIN)
    assert len(archive.copies) == 1
    put(profile, DATABASE, 100)
    assert profile.archive(LOGIN)
    assert profile.metadata().problem == ""


def test_caches_are_removed_when_they_have_grown_large(profile: Profile) -> None:
    small = put(profile, "Default/Code Cache/js/one", 1000)
    profile.archive(LOGIN)
    assert small.exists()
    put(profile, "Default/Service Worker/CacheStorage/one", 5000)
    profile.archive(LOGIN)
    assert not any((profile.path / part).exists() for part in profiles.CACHES)
    assert (profile.path / DATABASE).exists()


def test_a_copy_that_fails_is_noted_until_one_succeeds(profile: Profile) -> None:
    profile.mark_archive_failed(LOGIN)
    assert profile.metadata().problem == "failed"
    profile.archive(LOGIN)
    assert profile.metadata().problem == ""
