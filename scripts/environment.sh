#!/bin/sh
# Makes .venv and installs what the given files of hashed requirements list, once: a stamp keeps their checksum, so that
# the next call does nothing. PYTHON chooses the interpreter (3.11 or newer).
#
#   scripts/environment.sh requirements.txt [requirements-dev.txt]
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        if command -v "$candidate" >/dev/null 2>&1 && fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "WhatsFlow needs Python 3.11 or newer. On Debian 12: sudo apt-get install python3 python3-venv" >&2
    exit 1
}

# The virtual environment's pip; else the system's, working on the virtual environment; else uv.
make_venv() {
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        "$1" -m venv "$VENV"
    elif "$1" -m pip --version >/dev/null 2>&1 && "$1" -c 'import venv' 2>/dev/null; then
        "$1" -m venv --without-pip "$VENV"
    elif command -v uv >/dev/null 2>&1; then
        uv venv --quiet --python "$1" "$VENV"
    else
        echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
        exit 1
    fi
}

# The files list everything, made by a resolver: pip need not look for more, and older ones trip over extras (a pinned
# coverage does not count for coverage[toml]) once a newer version is out.
install() {
    if "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps "$@"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip --python "$VENV/bin/python" install --quiet --disable-pip-version-check --require-hashes --no-deps "$@"
    else
        uv pip install --quiet --python "$VENV/bin/python" --require-hashes --no-deps "$@"
    fi
}

wanted=$(cat "$@" | cksum)
stamp="$VENV/.installed-$(echo "$@" | tr ' /' '--')"
if [ -x "$VENV/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
python=$(find_python)
[ -x "$VENV/bin/python" ] || make_venv "$python"
echo "Installing into $VENV (once; takes a minute or two) ..."
files=""
for file in "$@"; do files="$files -r $file"; done
# shellcheck disable=SC2086  # a list of options, on purpose
install $files
echo "$wanted" >"$stamp"
