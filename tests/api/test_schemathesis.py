"""Draft."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from accounts import scopes
from accounts.services import keys, tokens
from django.core.wsgi import get_wsgi_application
from tests.one_of_each import one_of_each


class OneThread:
    def __init__(self, app):
        self._app, self._pool, self.calls, self.spent = app, ThreadPoolExecutor(1), 0, 0.0

    def __call__(self, environ, start_response):
        return self._pool.submit(self._answer, environ, start_response).result()

    def _answer(self, environ, start_response):
        b = time.perf_counter()
        answer = self._app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            if hasattr(answer, "close"):
                answer.close()
            self.calls += 1
            self.spent += time.perf_counter() - b

    def close(self):
        from django.db import connections

        self._pool.submit(connections.close_all).result()
        self._pool.shutdown()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["apiKey", "bearer"])
def test_draft(who, business, owner, settings, media_root, monkeypatch, live_server):
    import logging

    logging.disable(logging.WARNING)
    from whatsflow.core import http

    def nowhere(*a, **k):
        raise OSError("no network")

    monkeypatch.setattr(http.socket, "getaddrinfo", nowhere) if os.environ.get("X") else None
    settings.API_REQUESTS_PER_KEY = settings.API_REQUESTS_PER_USER = settings.API_REQUESTS_PER_ADDRESS = 10**9
    one_of_each(business, owner, "Words")
    if who == "apiKey":
        _row, key = keys.create(business, owner, name="x", scopes=list(scopes.ALL))
        auth = {"apiKey": {"api_key": key}}
    else:
        auth = {"bearer": {"bearer": tokens.open_session(owner).access}}
    phases = os.environ.get("PH", "examples,coverage,fuzzing,stateful").split(",")
    config = SchemathesisConfig.from_dict(
        {
            "generation": {
                "max-examples": int(os.environ.get("N", "5")),
                "deterministic": True,
                "database": "none",
            },
            "phases": {
                name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")
            },
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]
                }
            },
            "auth": {"openapi": auth},
            "continue-on-failure": True,
            "seed": 1,
        }
    )
    app = OneThread(get_wsgi_application())
    schema = schemathesis.openapi.from_url(live_server.url + "/api/v1/openapi.json", config=config)
    if only := os.environ.get("ONLY"):
        schema = schema.include(path_regex=only)
    seen = Counter()
    cases = Counter()
    begin = time.time()
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                cases[str(event.phase)] += len(event.recorder.cases)
                for case_id, checks in event.recorder.checks.items():
                    for check in checks:
                        if check.failure_info is not None:
                            f = check.failure_info.failure
                            k = (event.recorder.label, check.name, f.title)
                            seen[k] += 1
                            if seen[k] <= 2:
                                case = event.recorder.cases[case_id].value
                                inter = event.recorder.interactions.get(case_id)
                                print(
                                    "FAIL",
                                    event.phase,
                                    event.recorder.label,
                                    check.name,
                                    f.title,
                                    "|",
                                    f.message[:600].replace("\n", " / "),
                                )
                                print("   ", check.failure_info.code_sample[:700])
                                if inter is not None and inter.response is not None:
                                    print("    ->", inter.response.status_code, inter.response.content[:400])
            elif isinstance(event, events.PhaseFinished):
                print(
                    "PHASE",
                    event.phase.name,
                    event.status,
                    round(time.time() - begin),
                    app.calls,
                    round(app.spent),
                    event.phase.skip_reason,
                    file=sys.stderr,
                )
            elif isinstance(event, (events.NonFatalError, events.FatalError)):
                print("ERROR", event.label, event.info.title, event.info.message[:500])
            elif isinstance(event, events.EngineFinished):
                print("END", event.stop_reason, event.running_time, [f.message for f in event.failures])
    finally:
        app.close()
    print(cases)
    for k, n in sorted(seen.items()):
        print("SUM", n, k)
    assert not seen
