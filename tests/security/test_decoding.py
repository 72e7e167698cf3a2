"""Decoding costs no more than it may, at every door, and what dies of it leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from accounts.models import BusinessProfile
from connections.models import WhatsAppConnection
from core.decoding import sandbox
from core.errors import InvalidInput
from messaging.media import images
from tests.security import hostile_corpus

ROOT = Path(__file__).resolve().parent.parent.parent
MEGABYTES = 256
SECONDS = 5
DEAREST = {
    "largest WebP taken.webp",
    "largest PNG taken.png",
    "GIF of 426 frames.gif",
    "GIF of a million frames.gif",
    "PNG with a bomb of text.png",
    "JPEG that is smaller than it says.jpg",
    "cut WebP.webp",
    "a million parts.xlsx",
    "a sheet of zeros.xlsx",
}
"""What doors beside the upload are shown: they decode with the same code, and differ in how the file reaches it."""


def picture(size: tuple[int, int] = (64, 48), kind: str = "PNG") -> BytesIO:
    return BytesIO(hostile_corpus.encoded(kind, size))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Paths of the hostile pictures and tables."""
    folder = tmp_path_factory.mktemp("hostile")
    paths: dict[str, list[str]] = {}
    for kind in ("PICTURES", "TABLES"):
        for name, make in getattr(hostile_corpus, kind).items():
            (folder / name).write_bytes(make())
            paths.setdefault(kind, []).append(str(folder / name))
    return paths


@pytest.mark.parametrize("door", ["upload", "address", "customer", "profile picture", "import"])
def test_the_hostile_corpus_within_256_mb_and_5_seconds_each(
    door: str,
    corpus: dict[str, list[str]],
    business: BusinessProfile,
    connection: WhatsAppConnection,
    process_env: dict[str, str],
    tmp_path: Path,
) -> None:
    """The site's process and its children together. Seconds of CPU: they do not depend on what else runs here."""
    if door == "import":
        files = corpus["TABLES"]
    else:
        files = corpus["PICTURES"] + [path for path in corpus["TABLES"] if path.endswith(".xlsx")]
    if door in ("address", "customer", "profile picture"):
        files = [path for path in files if Path(path).name in DEAREST]
        assert len(files) == len(DEAREST)
    if door == "profile picture":
        files = [path for path in files if not path.endswith(".xlsx")]
    command = [sys.executable, "-m", "tests.security.doors", door, str(business.pk), *files]
    environment = {**process_env, "WHATSFLOW_HOME": str(tmp_path), "WHATSFLOW_LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    results: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])

    for result in results:
        print(
            f"{door:16}{result['name']:52}{result['outcome']:20}"
            f"{result['cpu']:5.1f} s{result['together']:6.0f} MB{result['child']:6.0f} MB"
        )
    assert len(results) == len(files)
    assert not [result for result in results if result["outcome"] == "decoder_busy"]
    assert not [result for result in results if result["cpu"] > SECONDS]
    if os.getloadavg()[0] < (os.cpu_count() or 1):
        assert not [result for result in results if result["wall"] > SECONDS]
    assert max(result["together"] for result in results) <= MEGABYTES
    assert not [path for path in (tmp_path / "decoding").glob("*") if path.stat().st_size], (
        "files stay behind"
    )


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def refusal_of(content: bytes, mime: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        images.sanitize(BytesIO(content), mime)
    return refused.value.code


def test_pixels_frames_and_memory_are_told_apart_from_damage() -> None:
    make = hostile_corpus.PICTURES
    assert refusal_of(make["2 KB WebP of 7071 x 7071.webp"](), "image/webp") == "image_too_large"
    assert refusal_of(make["WebP of 300 large frames.webp"](), "image/webp") == "image_too_large"
    assert refusal_of(make["GIF whose frame is larger than it.gif"](), "image/gif") == "image_too_large"
    assert refusal_of(make["cut WebP.webp"](), "image/webp") == "broken_image"
    assert refusal_of(b"\x00\x00\x00\x18ftypheic" + bytes(100), "image/heic") == "broken_image"
    assert refusal_of(hostile_corpus.heic_of(20_000), "image/heic") in ("image_too_large", "broken_image")


def test_a_picture_that_needs_too_much_memory_or_time_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MEMORY", 40 * 1024 * 1024)
    assert (
        refusal_of(hostile_corpus.png(4000, 3000, pixels=bytes(3000 * 16_001)), "image/png")
        == "image_too_large"
    )
    monkeypatch.undo()
    with pytest.raises(sandbox.Refused) as refused:
        sandbox.run(
            "picture_reader", BytesIO(hostile_corpus.gif_of_noise()), owner=1, cpu_seconds=1, **LIMITS
        )
    assert refused.value.reason == "time"
    assert not children()


LIMITS: dict[str, Any] = {
    "mime": "image/gif",
    "max_pixels": 10**8,
    "max_animated_pixels": 10**9,
    "max_frames": 1000,
    "max_side": 4096,
    "thumbnail": 320,
}


def test_a_heic_picture_becomes_a_jpeg() -> None:
    import pillow_heif

    source = BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (320, 200), "red")).save(source)
    made = images.sanitize(source, "image/heic")
    with Image.open(made.file) as image:
        assert (image.format, image.size, made.width, made.height) == ("JPEG", (320, 200), 320, 200)
        red, green, _blue = image.getpixel((10, 10))
    assert red > 200 > 50 > green
    assert Image.open(BytesIO(made.thumbnail)).size == (320, 200)


def test_a_child_that_is_killed_or_cannot_start_says_nothing_about_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = threading.Event()
    popen = subprocess.Popen

    def killed(*args: Any, **options: Any) -> Any:
        child = popen(*args, **options)
        child.kill()
        started.set()
        return child

    monkeypatch.setattr(subprocess, "Popen", killed)
    with pytest.raises(sandbox.Busy):
        images.sanitize(picture(), "image/png")
    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(sandbox, "MEMORY", 1024)
    with pytest.raises(sandbox.Busy):
        images.sanitize(picture(), "image/png")
    monkeypatch.undo()
    assert started.is_set()
    assert not children(), "no zombie"
    assert images.sanitize(picture(), "image/png").width == 64, "and its slot is free"


def test_a_flood_never_has_more_children_than_slots_and_one_business_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running: dict[object, int] = {}
    most: dict[object, int] = {}
    guard = threading.Lock()
    wait = sandbox._wait

    def counted(child: Any, seconds: float) -> int:
        owner = owners.value
        with guard:
            for key in (owner, "all"):
                running[key] = running.get(key, 0) + 1
                most[key] = max(most.get(key, 0), running[key])
        try:
            return wait(child, seconds)
        finally:
            with guard:
                for key in (owner, "all"):
                    running[key] -= 1

    owners = threading.local()
    monkeypatch.setattr(sandbox, "_wait", counted)
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 60.0)

    def clean(number: int) -> int:
        owners.value = number % 3
        return images.sanitize(picture(), "image/png", owner=owners.value).width

    with ThreadPoolExecutor(9) as pool:
        assert set(pool.map(clean, range(9))) == {64}
    assert most.pop("all") == sandbox.SLOTS
    assert set(most.values()) == {1}


def test_a_full_queue_is_no_damage_and_other_businesses_are_served(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Another process of this machine holds the lock."""
    settings.HOME.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 0.0)
    folder = settings.HOME / "decoding"
    with sandbox._slots(folder, "picture_reader", "A"):
        with pytest.raises(sandbox.Busy) as busy:
            images.sanitize(picture(), "image/png", owner="A")
        assert (busy.value.status, busy.value.code) == (503, "decoder_busy")
        assert images.sanitize(picture(), "image/png", owner="B").width == 64


def test_the_child_ends_with_its_parent_and_keeps_its_slot_until_then(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    (tmp_path / "slow.gif").write_bytes(hostile_corpus.gif_of_noise())
    code = (
        "import json, sys; from pathlib import Path; from django.conf import settings; "
        "settings.configure(HOME=Path(sys.argv[1])); from core.decoding import sandbox; "
        "sandbox.run('picture_reader', open(sys.argv[1] + '/slow.gif', 'rb'), owner=1, **json.loads(sys.argv[2]))"
    )
    site = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), json.dumps(LIMITS)], cwd=ROOT)
    process = psutil.Process(site.pid)
    while not (found := process.children()):
        assert site.poll() is None
    site.kill()
    site.wait()
    psutil.wait_procs(found, timeout=sandbox.WALL_SECONDS)
    assert not [one for one in found if one.is_running()]
    assert not [path for path in (tmp_path / "decoding").glob("*") if path.stat().st_size]
    assert images.sanitize(picture(), "image/png", owner=1).width == 64


def test_the_child_knows_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATSFLOW_SECRET_KEY", "canary")
    seen: list[dict[str, str]] = []
    popen = subprocess.Popen

    def noted(*args: Any, **options: Any) -> Any:
        seen.append(options["env"])
        return popen(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", noted)
    images.sanitize(picture(), "image/png")
    assert seen
    assert "canary" not in str(seen)
