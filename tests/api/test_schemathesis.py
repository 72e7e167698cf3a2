"""The API does what its description says, and nothing else.

Schemathesis sends what the description allows and what it forbids, follows its links, and checks every answer.

One pass of the suite sends an API key, the other one a person's token: to every operation the documented examples and a
few made-up requests, along the links, and to a half of the operations all limits of every parameter and field.
WHATSFLOW_API_EXAMPLES=50 tries that many random requests an operation, other ones each time, and all limits everywhere
with both credentials.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection as database

from accounts import scopes
from accounts.services import keys, tokens
from core.http import policy
from tests.one_of_each import one_of_each
from whatsflow.api_docs import document

pytestmark = pytest.mark.services

EXAMPLES = int(os.environ.get("WHATSFLOW_API_EXAMPLES", "0"))
PASS = int(database.vendor == "postgresql")
LIMIT_PARTS = 4
"""Tests over which the limits are spread, so that idle workers can take some."""
PASSES = 1 if EXAMPLES else 2
CREDENTIALS = ("apiKey", "bearer") if EXAMPLES else (("apiKey", "bearer")[PASS],)
WELCOME = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429"]
"""Answers to requests of the right form: 412 to a made-up If-Match, 422 when a rule says no."""
PHASES = {"examples": 0, "coverage": 0, "fuzzing": 3, "stateful": 20}
"""The phases of a run, and how many requests an operation, or walks along links, the suite makes where that is open."""


@pytest.fixture
def _quiet_world(settings: Any, media_root: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody asks too often, no name is resolved, and a thousand refusals are not logged."""
    settings.API_REQUESTS_PER_KEY = settings.API_REQUESTS_PER_USER = 10**9
    settings.API_REQUESTS_PER_ADDRESS = 10**9

    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no network in tests")

    monkeypatch.setattr(policy, "resolve", nowhere)
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def auth(business: Any, owner: Any, _quiet_world: None) -> dict[str, dict[str, str]]:
    """The credential for each security scheme, in a business that has one of everything."""
    one_of_each(business, owner, "Words")
    _row, key = keys.create(business, owner, name="Explorer", scopes=list(scopes.ALL))
    return {"apiKey": {"api_key": key}, "bearer": {"bearer": tokens.open_session(owner).access}}


@dataclass
class Report:
    """What a run did. called: requests by operation; faults: what is wrong, with how to see it again."""

    called: dict[str, int] = field(default_factory=dict)
    phases: dict[str, int] = field(default_factory=dict)
    faults: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def add(self, event: Any) -> None:
        """Take an event of the engine in."""
        from schemathesis.engine import events

        if isinstance(event, events.NonFatalError | events.FatalError):
            self.faults["the run", type(event).__name__, str(event)] = str(event)
        if not isinstance(event, events.ScenarioFinished):
            return
        recorder = event.recorder
        self.phases[event.phase.value] = self.phases.get(event.phase.value, 0) + len(recorder.interactions)
        for node in recorder.cases.values():
            label = node.value.operation.label
            self.called[label] = self.called.get(label, 0) + 1
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    words = f"{failure.title}: {failure.message}\n{check.failure_info.code_sample}"
                    self.faults.setdefault((recorder.label, check.name, failure.title), words)

    def __str__(self) -> str:
        return "\n\n".join(f"{label} ({check}) {words}" for (label, check, _), words in self.faults.items())


def described() -> dict[str, Any]:
    """The API's description."""
    found: dict[str, Any] = json.loads(document())
    return found


def labels() -> set[str]:
    """Every operation as schemathesis calls it."""
    return {f"{method.upper()} {path}" for path, item in described()["paths"].items() for method in item}


def explore(
    description: dict[str, Any], address: str, auth: dict[str, Any], phases: tuple[str, ...], only: set[str]
) -> Report:
    """Run the phases over the operations `only` of the API at `address`, with all checks."""
    import schemathesis  # takes a second, so only here
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import from_schema

    generation = {
        "allow-x00": False,  # refused everywhere, as the description says in words
        "database": "none",
        "deterministic": not EXAMPLES,
    }
    config = SchemathesisConfig.from_dict(
        {
            "base-url": address,
            "auth": {"openapi": auth},
            "checks": {"positive_data_acceptance": {"expected-statuses": WELCOME}},
            "continue-on-failure": True,
            "generation": generation,
            "output": {"sanitization": {"enabled": False}},
            "phases": {
                name: {
                    "enabled": name in phases,
                    "generation": {**generation, **({"max-examples": EXAMPLES or few} if few else {})},
                }
                for name, few in PHASES.items()
            },
        }
    )
    schema = schemathesis.openapi.from_dict(description, config=config)
    chosen = schema.include(lambda context: context.operation.label in only)
    report = Report()
    for event in from_schema(chosen).execute():
        report.add(event)
    return report


@pytest.mark.slow
@pytest.mark.parametrize("scheme", CREDENTIALS)
def test_every_operation_keeps_to_the_description(scheme: str, live_server: Any, auth: Any) -> None:
    phases = ("examples", "fuzzing", "stateful")
    report = explore(described(), live_server.url, {scheme: auth[scheme]}, phases, labels())
    assert not report.faults, str(report)
    assert set(report.called) == labels(), "every operation is called"
    assert set(report.phases) == set(phases)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(LIMIT_PARTS))
@pytest.mark.parametrize("scheme", CREDENTIALS)
def test_every_limit_is_kept(scheme: str, part: int, live_server: Any, auth: Any) -> None:
    chosen = set(sorted(labels())[PASS % PASSES :: PASSES][part::LIMIT_PARTS])
    report = explore(described(), live_server.url, {scheme: auth[scheme]}, ("coverage",), chosen)
    assert not report.faults, str(report)
    assert set(report.called) == chosen


def test_what_is_not_as_described_is_found_out(live_server: Any, auth: Any) -> None:
    """The explorer itself: an answer of another shape than promised, and a door without a lock."""
    false = described()
    false["components"]["schemas"]["Tag"]["properties"]["name"] = {"type": "integer"}
    false["paths"]["/api/v1/auth/login"]["post"]["security"] = [{"bearer": []}]
    only = {"GET /api/v1/tags", "POST /api/v1/auth/login"}
    report = explore(false, live_server.url, {"bearer": auth["bearer"]}, ("examples", "fuzzing"), only)
    found = {(label, check) for label, check, _ in report.faults}
    assert ("GET /api/v1/tags", "response_schema_conformance") in found
