#!/bin/sh
# The whole suite in parallel on the embedded default, then what depends on services again on PostgreSQL and Redis.
#
# The servers are those of TEST_DATABASE_URL and TEST_REDIS_URL, or local ones at their usual ports. Where they do not
# answer, the second pass is skipped and says so; with WHATSFLOW_REQUIRE_SERVICES=1 that is an error. Arguments go to
# pytest in both passes.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${VENV_PYTHON:-.venv/bin/python}
export TEST_DATABASE_URL="${TEST_DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}"
export TEST_REDIS_URL="${TEST_REDIS_URL:-redis://127.0.0.1:6379/0}"

# No test runs: pytest's status 5. Only with arguments, which may choose tests of one pass alone, is that no failure.
run() {
    status=0
    "$PYTHON" -m pytest -n "$processes" --dist worksteal --durations=10 --durations-min=1 "$@" || status=$?
    if [ "$status" -eq 5 ] && [ "$chosen" = yes ]; then status=0; fi
    return "$status"
}

# One more than there are processors, for tests that wait for browsers and servers. Who has nothing left takes from others.
processes="${WHATSFLOW_TEST_PROCESSES:-$(($(nproc) + 1))}"

chosen=no
[ $# -eq 0 ] || chosen=yes

echo "== Embedded default: SQLite, everything in one process"
(unset DATABASE_URL REDIS_URL; run "$@")

missing=$("$PYTHON" scripts/services.py) || true
if [ -z "$missing" ]; then
    echo "== Again on PostgreSQL and Redis: what depends on them"
    (DATABASE_URL="$TEST_DATABASE_URL" REDIS_URL="$TEST_REDIS_URL"; export DATABASE_URL REDIS_URL; run -m services "$@")
elif [ "${WHATSFLOW_REQUIRE_SERVICES:-}" = 1 ]; then
    echo "FAILED: the second pass cannot run, because $missing, and WHATSFLOW_REQUIRE_SERVICES=1." >&2
    exit 1
else
    echo "SKIPPED: the second pass, because $missing. Set TEST_DATABASE_URL and TEST_REDIS_URL to run it."
fi
