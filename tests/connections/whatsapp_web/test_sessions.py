"""Logins survive workers and machines; browsers do not outlive their drivers; ends are told apart."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from connections.driver_stores import whatsapp_web
from connections.drivers.base import Phase, SessionLost, Transient
from connections.drivers.whatsapp_web import processes
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from connections.models import WhatsAppConnection
from tests.connections.driver_contract import in_phase, message_in, until
from tests.connections.whatsapp_web.rig import WebRig, profiles

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_another_machine_goes_on_with_the_login_and_no_scan(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    session = ready.save_session()
    ready.close()
    shutil.rmtree(rig.home)
    again = rig.driver(session)
    in_phase(again, Phase.READY)
    assert message_in(again, rig.customer_writes("Still there?")).body == "Still there?"


def test_codes_that_whatsapp_changes_are_pushed_and_five_are_enough(rig: WebRig) -> None:
    """After three of them WhatsApp waits for a click, which the driver makes for the rest of the five."""
    rig.standin.qr_seconds, rig.standin.qr_limit = 1.0, 3
    driver = rig.driver()
    codes, pushes = [in_phase(driver, Phase.QR).qr], rig.woken

    def over() -> bool:
        state = driver.state()
        if state.phase == Phase.QR and state.qr not in codes:
            codes.append(state.qr)
        return state.phase == Phase.ENDED

    until(over, "the end of the codes")
    assert len(codes) == 5
    assert rig.woken - pushes >= 4
    assert driver.state().reason == "qr_expired"


def test_a_copy_is_made_right_after_the_scan_and_is_not_readable(
    rig: WebRig, ready: WhatsAppWebDriver, media_root: Path
) -> None:
    ready.save_session()
    assert ready.state().phase == Phase.READY
    names = default_storage.listdir(f"sessions/{rig.connection_id}")[1]
    assert len(names) == 1
    stored = (media_root / "sessions" / str(rig.connection_id) / names[0]).read_bytes()
    assert b"IndexedDB" not in stored
    assert not stored.startswith(b"\x1f\x8b")


def test_a_worker_that_has_lost_the_number_writes_no_copy(
    rig: WebRig, ready: WhatsAppWebDriver, web_number: WhatsAppConnection
) -> None:
    WhatsAppConnection.objects.filter(pk=web_number.pk).update(lease_epoch=web_number.lease_epoch + 1)
    ready.close()
    assert whatsapp_web.LoginArchive(web_number.pk).newest() == ""


def test_without_any_copy_it_says_that_the_login_is_gone(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    session = ready.save_session()
    ready.close()
    shutil.rmtree(rig.home)
    whatsapp_web.delete_login(rig.connection_id)
    assert rig.driver(session).state().reason == "login_lost"


def test_a_killed_browser_is_a_lost_session_and_the_next_needs_no_scan(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    session = ready.save_session()
    for pid in processes.pids_of(rig.home / str(rig.connection_id) / "profile"):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(SessionLost):
        ready.number_exists(rig.customer.phone or "")
    ready.close()
    in_phase(rig.driver(session), Phase.READY)


def test_nothing_is_left_after_starts_and_stops(rig: WebRig) -> None:
    """Three here; `make bench` does fifty and counts what is left."""
    profile = rig.home / str(rig.connection_id) / "profile"
    for _ in range(3):
        driver = rig.driver()
        in_phase(driver, Phase.QR)
        litter = (profile.parent / "scratch").readlink()
        assert litter.is_dir()
        driver.close()
        assert not litter.exists()
    assert not profiles(rig.home)
    assert not processes.pids_of(profile)
    assert not list(profile.glob("Singleton*"))


def test_a_browser_that_its_dead_worker_left_behind_is_ended_by_the_next(rig: WebRig) -> None:
    """Where the kernel cannot end it: its lock and its process are in the way, and only they."""
    profile = rig.home / str(rig.connection_id) / "profile"
    other = rig.home / "another" / "profile"
    command = [rig.options().found_chromium(), "--headless=new", "--no-sandbox", "--disable-gpu"]
    left, stranger = (
        subprocess.Popen([*command, f"--user-data-dir={place}", "about:blank"], stderr=subprocess.DEVNULL)
        for place in (profile, other)
    )
    try:
        until(lambda: all((one / "SingletonLock").is_symlink() for one in (profile, other)), "the locks")
        driver = rig.driver()
        in_phase(driver, Phase.QR)
        assert left.wait(10) is not None
        assert stranger.poll() is None
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait(10)


def test_a_killed_worker_takes_its_browser_along(rig: WebRig, tmp_path: Path) -> None:
    home = tmp_path / "orphans"
    code = f"""
        import time
        from pathlib import Path
        from connections.drivers.whatsapp_web.browser import Browser
        from connections.drivers.whatsapp_web.options import Options
        options = Options(Path({str(home)!r}), Path({str(rig.options().bundle)!r}), flags={rig.options().flags!r})
        browser = Browser(options, Path({str(home)!r}) / "one" / "profile", lambda text: None)
        browser.open()
        print("open", flush=True)
        time.sleep(60)
    """
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "open\n"
    assert profiles(home)
    worker.kill()
    worker.wait()
    until(lambda: not processes.pids_of(home / "one" / "profile"), "the end of the browser")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [("conflict", "replaced"), ("tos", "banned"), ("locked", "banned"), ("removed", "unlinked")],
)
def test_each_end_has_its_own_reason(
    rig: WebRig, ready: WhatsAppWebDriver, happens: str, reason: str
) -> None:
    phone = rig.standin.phone
    {
        "conflict": phone.conflict,
        "tos": lambda: phone.stream_mode("TOS_BLOCK"),
        "locked": lambda: phone.unlink("account_locked"),
        "removed": phone.unlink,
    }[happens]()
    if happens in ("locked", "removed"):
        until(lambda: rig.standin.qr, "the page that was loaded anew and knows of no login")
    assert in_phase(ready, Phase.ENDED).reason == reason


def test_without_a_network_it_is_connected_and_says_so(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    rig.standin.phone.offline()
    until(lambda: ready.state().degraded == "phone_offline", "the note")
    with pytest.raises(Transient):
        ready.number_exists("+4917000000000")
    rig.standin.phone.online()
    until(lambda: ready.state().degraded == "", "the network")


def test_a_page_that_lacks_a_part_is_reported_and_not_used(rig: WebRig) -> None:
    rig.standin.without = {"WAWebSendMsgChatAction"}
    driver = rig.driver()
    assert in_phase(driver, Phase.ENDED).reason == "page_changed"
    assert driver._monitor.missing == ["send"]
    assert (rig.home / str(rig.connection_id) / "last-failure.png").exists()


def test_an_unneeded_part_that_is_missing_does_not_stop_the_number(rig: WebRig) -> None:
    rig.standin.without = {"WAWebChatStateBridge"}
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    assert in_phase(driver, Phase.READY).degraded == "page_changed"
    assert driver._monitor.missing == ["typing"]


def test_no_chromium_is_said_with_the_package_to_install(rig: WebRig) -> None:
    driver = rig.closed_driver()
    driver.options = type(driver.options)(rig.home, rig.options().bundle, chromium="/nowhere/chromium")
    with pytest.raises(SessionLost) as refused:
        driver.open()
    assert refused.value.reason == "no_browser"
    assert "apt install chromium" in str(refused.value)
