"""Runs the measurements and prints the table.

`python -m tests.benchmarks` makes its own installations and removes them: an embedded one, and one on the PostgreSQL
and Redis that DATABASE_URL and REDIS_URL name (or those of this machine's usual ports), filled with the demo at scale.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import api, crowd, figures, importing, measure, site, whatsapp
from tests.benchmarks.report import Result, save, table
from tests.benchmarks.site import PASSWORD, ROOT, Place

EMBEDDED = ("start", "screen", "contacts")
BROWSERS = ("whatsapp",)
SERVICES = (
    *("screen", "fanout", "pages", "crowd", "depth", "search", "contacts", "api", "claim", "inbound"),
    *("webhooks", "campaigns"),
)
HISTORY = ("analytics",)
IMPORTS = ("import",)
"""Measured in empty installations of their own, on SQLite and on PostgreSQL."""
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
REDIS = "redis://127.0.0.1:6379/15"


def main() -> int:
    options = _options()
    effort = measure.QUICK if options.quick else measure.FULL
    results: list[Result] = []
    only = (
        set(options.only.split(","))
        if options.only
        else {*EMBEDDED, *SERVICES, *HISTORY, *BROWSERS, *IMPORTS}
    )
    begin = time.monotonic()
    if only & set(EMBEDDED) and not options.services_only:
        _embedded(results, only, effort, options)
    if "whatsapp" in only and not options.services_only:
        _run(results, "whatsapp", lambda: whatsapp.measure(options.quick))
    missing = _missing(options.database, options.redis)
    if missing:
        print(f"Not measured on PostgreSQL and Redis: {missing}.", file=sys.stderr)
    elif only & set(SERVICES):
        _services(results, only, effort, options)
    if not missing and only & set(HISTORY):
        _history(results, options)
    if "import" in only:
        _imports(results, options, missing)
    print(table(results))
    about = {"contacts": options.contacts, "messages": options.messages, "quick": options.quick}
    save(Path(options.json), results, seconds=round(time.monotonic() - begin), **about)
    print(f"\n{options.json}")
    required = os.environ.get("WHATSFLOW_REQUIRE_SERVICES") == "1"
    return 1 if missing and required else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, short measurements")
    parser.add_argument(
        "--only",
        default="",
        help=f"of {','.join(dict.fromkeys(EMBEDDED + SERVICES + HISTORY + BROWSERS + IMPORTS))}",
    )
    parser.add_argument("--services-only", action="store_true", help="leave the embedded installation out")
    parser.add_argument("--contacts", type=int)
    parser.add_argument("--messages", type=int)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL") or POSTGRES, metavar="URL")
    parser.add_argument("--redis", default=os.environ.get("REDIS_URL") or REDIS, metavar="URL")
    parser.add_argument(
        "--reuse",
        metavar="HOME",
        help="use the demo in --database itself; HOME: the WHATSFLOW_HOME it was made with",
    )
    parser.add_argument("--json", default=str(ROOT / "var" / "bench.json"), metavar="PATH")
    options = parser.parse_args()
    options.contacts = options.contacts or (2_000 if options.quick else 100_000)
    options.messages = options.messages or (40_000 if options.quick else 2_000_000)
    return options


def _missing(database: str, redis: str) -> str:
    """Which service does not answer; "" when both do."""
    for name, url, usual in (("PostgreSQL", database, 5432), ("Redis", redis, 6379)):
        place = urlsplit(url)
        try:
            socket.create_connection((place.hostname or "127.0.0.1", place.port or usual), 2).close()
        except OSError as error:
            return f"{name} does not answer ({error})"
    return ""


def _embedded(
    results: list[Result], only: set[str], effort: measure.Effort, options: argparse.Namespace
) -> None:
    if "contacts" in only:
        with site.embedded() as place:
            _prepare(place, options.contacts, options.contacts)
            _run(results, "contacts", lambda: measure.contacts(place, "SQLite", effort))
    if not only & {"start", "screen"}:
        return
    with site.embedded() as place:
        _prepare(place, 200, 2_000)
        if "start" in only:
            _run(results, "start", lambda: measure.start_and_idle(place, effort))
        if "screen" in only:
            with site.running(place) as running:
                _run(results, "screen", lambda: measure.event_to_screen(running, "embedded", effort))


def _services(
    results: list[Result], only: set[str], effort: measure.Effort, options: argparse.Namespace
) -> None:
    with site.services(options.database, options.redis, reuse=options.reuse) as place:
        _prepare(place, options.contacts, options.messages)
        for name, resting in (
            ("depth", lambda: measure.depth(place)),
            ("search", lambda: measure.search(place, effort)),
            ("contacts", lambda: measure.contacts(place, "PostgreSQL", effort)),
            ("api", lambda: api.results(place, effort.samples)),
            ("claim", lambda: measure.claim(place, effort)),
            ("inbound", lambda: measure.inbound(place, effort)),
            ("campaigns", lambda: measure.campaigns(place, effort)),
            ("webhooks", lambda: measure.webhooks(place, effort)),
        ):
            if name in only:
                _run(results, name, resting)
        if not only & {"screen", "fanout", "pages", "crowd"}:
            return
        with site.running(place) as running:
            for name, live in (
                ("screen", lambda: measure.event_to_screen(running, "PostgreSQL and Redis", effort)),
                ("fanout", lambda: measure.fan_out(running, effort)),
                ("pages", lambda: measure.pages(running, effort)),
                ("crowd", lambda: crowd.measure(running, 20.0)),
            ):
                if name in only:
                    _run(results, name, live)


def _history(results: list[Result], options: argparse.Namespace) -> None:
    """What needs two years instead of a month; with --reuse the demo there must have been made with --days 730."""
    with site.services(options.database, options.redis, reuse=options.reuse) as place:
        _prepare(place, options.contacts, options.messages, figures.DAYS)
        _run(results, "analytics", lambda: figures.results(place))


def _imports(results: list[Result], options: argparse.Namespace, missing: str) -> None:
    """As many rows as the demo has contacts."""

    def measured(place: Place) -> list[Result]:
        place.manage("migrate")
        return importing.measure(place, options.contacts)

    if not options.services_only:
        with site.embedded() as place:
            _run(results, "import on SQLite", lambda: measured(place))
    if not missing:
        with site.services(options.database, options.redis, reuse=None) as place:
            _run(results, "import on PostgreSQL", lambda: measured(place))


def _prepare(place: Place, contacts: int, messages: int, days: int = 30) -> None:
    """The demo, in which nobody writes by themselves; made only where it is not there yet."""
    print(f"preparing {contacts:,} contacts and {messages:,} messages ...", file=sys.stderr)
    place.manage("migrate")
    size = ("--contacts", str(contacts), "--messages", str(messages), "--days", str(days))
    place.manage("demo", "--password", PASSWORD, *size)
    measure.inside(place, "calm")


def _run(results: list[Result], name: str, work: Callable[[], list[Result]]) -> None:
    """One measurement; what fails is told and the others go on."""
    print(f"measuring {name} ...", file=sys.stderr)
    try:
        results += work()
    except Exception as error:
        print(f"{name} failed: {error}", file=sys.stderr)
        results.append(Result(name, None, "", reached=False, note=str(error).strip().splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
