"""Real numbers, measured: the driver with real Chromium and the real bundle against the stand-in, no database.

Ten numbers are connected and talk at once; browsers are started and stopped fifty times and must leave nothing.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import structlog

from connections.drivers.base import Chat, Context, InboundMessage, MessageKind, OutgoingMessage, Phase, State
from connections.drivers.whatsapp_web import processes
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from connections.drivers.whatsapp_web.options import Options
from tests.benchmarks.report import Result, median, percentile
from tests.connections.whatsapp_web.memory_archive import MemoryArchive
from tests.standin import CUSTOMER, Phone, Standin
from tests.standin.browser import BUNDLE
from tests.standin.things import new_id

LANES = 2
PATIENCE = 180.0
ANSWER_EVERY = 3
"""Every third message is answered, so that numbers send while they receive."""


@dataclass(frozen=True)
class Load:
    """How much. pause: seconds between two messages to one number."""

    cycles: int
    numbers: int
    rounds: int
    pause: float
    idle: float


QUICK = Load(cycles=6, numbers=3, rounds=10, pause=0.5, idle=3.0)
FULL = Load(cycles=50, numbers=10, rounds=20, pause=1.0, idle=10.0)


@dataclass
class Number:
    """A driver, and what was measured of it. Seconds throughout."""

    driver: WhatsAppWebDriver
    phone: Phone
    wake: threading.Event
    to_code: float = 0.0
    to_ready: float = 0.0
    written: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    trouble: str = ""

    def run(self, lanes: threading.Semaphore, over: threading.Event) -> None:
        """The whole session, in one thread: a browser ends with the thread that has started it."""
        try:
            with lanes:
                self.link()
            self.ready.set()
            self.talk(over)
        except Exception as error:
            self.trouble = str(error) or type(error).__name__
        finally:
            self.ready.set()
            self.driver.close()

    @property
    def profile(self) -> Path:
        return self.driver.options.home / str(self.driver.context.connection_id) / "profile"

    def link(self) -> None:
        """From nothing over the QR code to ready."""
        begin = time.monotonic()
        self.driver.open()
        state = reached(self.driver, Phase.QR)
        self.to_code = time.monotonic() - begin
        begin = time.monotonic()
        self.phone.scan(state.qr)
        reached(self.driver, Phase.READY)
        self.to_ready = time.monotonic() - begin

    def talk(self, over: threading.Event) -> None:
        """Do what a session does until `over`: wait to be woken, take what came, answer now and then."""
        while not over.is_set():
            self.wake.wait(min(self.driver.idle_for(), 1.0))
            self.wake.clear()
            events = self.driver.drain()
            moment = time.perf_counter()
            self.driver.confirm()
            for event in events:
                if isinstance(event, InboundMessage) and event.wa_id in self.written:
                    self.heard.setdefault(event.wa_id, moment)
                    if len(self.heard) % ANSWER_EVERY == 0:
                        self.answer(event.chat)
            self.driver.state()

    def answer(self, chat: Chat) -> None:
        message = OutgoingMessage(self.driver.new_message_id(chat), chat, MessageKind.TEXT, "It is ready.")
        self.driver.send(message)
        self.answers.append(message.wa_id)


def measure(quick: bool) -> list[Result]:
    """Everything; about three minutes with two processors, half a minute when quick."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    load = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="whatsflow-bench-") as home, Standin() as standin:
        options = Options(Path(home), BUNDLE, flags=tuple(standin.browser_args))
        if words := options.missing():
            raise RuntimeError(words)
        return [*_together(standin, options, load), *_cycles(standin, options, load)]


def reached(driver: WhatsAppWebDriver, phase: Phase) -> State:
    """The driver's state once it is in `phase`."""
    deadline = time.monotonic() + PATIENCE
    while (state := driver.state()).phase != phase:
        if state.phase == Phase.ENDED or time.monotonic() > deadline:
            raise RuntimeError(f"{phase} was not reached: {state.phase} {state.reason}")
        time.sleep(0.02)
    return state


# -- many numbers ----------------------------------------------------------------------------------------------------


def _together(standin: Standin, options: Options, load: Load) -> list[Result]:
    phones = [
        standin.phone,
        *(standin.add_phone(f"+491511000{1000 + place}") for place in range(1, load.numbers)),
    ]
    numbers = [_number(options, phone) for phone in phones]
    with _running(numbers):
        idle = _used(numbers, lambda: time.sleep(load.idle))
        busy = _used(numbers, lambda: _conversation(numbers, load))
        memory = sum(processes.memory(number.profile) for number in numbers) / len(numbers) / 2**20
    if troubles := [number.trouble for number in numbers if number.trouble]:
        raise RuntimeError(troubles[0])
    return _results(numbers, load, numbers[0].to_code, idle, busy, memory)


def _number(options: Options, phone: Phone) -> Number:
    wake = threading.Event()
    context = Context(connection_id=uuid4(), session="", wake=wake.set, store=MemoryArchive(options))
    return Number(WhatsAppWebDriver(context), phone, wake)


def _used(numbers: list[Number], work: Callable[[], object]) -> float:
    """Percent of one processor that each browser uses meanwhile."""

    def seconds() -> float:
        return sum(processes.cpu_seconds(number.profile) for number in numbers)

    before, begin = seconds(), time.monotonic()
    work()
    return (seconds() - before) / (time.monotonic() - begin) / len(numbers) * 100


def _conversation(numbers: list[Number], load: Load) -> None:
    """Customers of all numbers write, one after the other, and some are answered."""
    for _ in range(load.rounds):
        for number in numbers:
            wa_id, at = new_id(), time.perf_counter()
            number.written[wa_id] = at
            number.phone.message_in("Is my order ready?", CUSTOMER, wa_id=wa_id)
            time.sleep(load.pause / len(numbers))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(len(one.heard) < len(one.written) for one in numbers):
        time.sleep(0.05)


@contextmanager
def _running(numbers: list[Number]) -> Iterator[None]:
    """All connected: the first alone, so that its start is measured, then the others, a few at a time."""
    over, lanes = threading.Event(), threading.Semaphore(LANES)
    threads = [threading.Thread(target=number.run, args=[lanes, over], daemon=True) for number in numbers]
    try:
        threads[0].start()
        numbers[0].ready.wait(PATIENCE)
        for thread in threads[1:]:
            thread.start()
        for number in numbers:
            number.ready.wait(PATIENCE)
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def _results(
    numbers: list[Number], load: Load, alone: float, idle: float, busy: float, memory: float
) -> list[Result]:
    times = [
        (one.heard[key] - at) * 1000 for one in numbers for key, at in one.written.items() if key in one.heard
    ]
    lost = sum(len(one.written) for one in numbers) - len(times)
    copies = [one.phone.copies(key) for one in numbers for key in one.answers]
    late, many = percentile(times, 0.95), f"{load.numbers} numbers"
    return [
        Result("whatsapp: start to QR code", alone, "s"),
        Result("whatsapp: scan to ready", median([one.to_ready for one in numbers]), "s", note=f"of {many}"),
        Result(
            f"whatsapp: event to driver, {many}, p95",
            late,
            "ms",
            wanted="< 20",
            reached=late < 20,
            note=f"{len(times)} events, median {median(times):.1f} ms, {load.numbers / load.pause:.0f} a second",
        ),
        Result(f"whatsapp: events lost, {many}", lost, "", wanted="0", reached=not lost),
        Result(
            f"whatsapp: answers not exactly once, {many}",
            sum(1 for one in copies if one != 1),
            "",
            wanted="0",
            reached=set(copies) == {1},
            note=f"{len(copies)} answers",
        ),
        Result("whatsapp: memory of a session", memory, "MB", note="proportional set size of its browser"),
        Result("whatsapp: CPU of a session, idle", idle, "%", note="of one processor"),
        Result("whatsapp: CPU of a session, talking", busy, "%", note="of one processor"),
    ]


# -- starts and stops ------------------------------------------------------------------------------------------------


def _cycles(standin: Standin, options: Options, load: Load) -> list[Result]:
    """Browsers that are started until they show a code, and stopped, again and again on the same profiles."""
    begin = time.monotonic()
    homes = [uuid4() for _ in range(LANES)]
    with ThreadPoolExecutor(LANES) as lanes:
        list(lanes.map(lambda home: _lane(options, home, load.cycles // LANES), homes))
    seconds = time.monotonic() - begin
    profiles = [options.home / str(home) / "profile" for home in homes]
    left = sum(len(processes.pids_of(profile)) for profile in profiles)
    locks = sum(len(list(profile.glob("Singleton*"))) for profile in profiles)
    pace = seconds / load.cycles
    litter = sum((profile.parent / "scratch").is_symlink() for profile in profiles)
    return [
        Result(
            f"whatsapp: left after {load.cycles} starts and stops",
            left + locks + litter,
            "",
            wanted="0",
            reached=not left + locks + litter,
            note=f"{left} processes, {locks} locks, {litter} directories; {pace:.1f} s each, {LANES} at a time",
        )
    ]


def _lane(options: Options, connection_id: UUID, cycles: int) -> None:
    for _ in range(cycles):
        context = Context(
            connection_id=connection_id, session="", wake=lambda: None, store=MemoryArchive(options)
        )
        driver = WhatsAppWebDriver(context)
        try:
            driver.open()
            reached(driver, Phase.QR)
        finally:
            driver.close()
