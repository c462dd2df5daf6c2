# shellcheck shell=bash
# Python and kemu's virtual environment, .venv in the checkout: sourced by scripts/quickstart and scripts/test.

# find_python: prints the first interpreter that is new enough
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        echo "$candidate"
        return
    done
    return 1
}

can_make_venv() { "$(find_python)" -c 'import ensurepip, venv' 2>/dev/null; }

ensure_python() {
    find_python >/dev/null && can_make_venv && return
    if [ "$OS" = debian ] && [ "$(id -u)" = 0 ]; then step "Python from the distribution" apt_install python3 python3-venv; fi
    find_python >/dev/null || die "kemu needs Python 3.11 or newer; found: $(python3 --version 2>&1 || true)." \
        "Install one (Debian 12, Ubuntu 24.04 and newer: apt-get install python3 python3-venv; macOS: brew install python) and run this again."
    can_make_venv || die "$(find_python) cannot make virtual environments." \
        "Install its venv module (Debian, Ubuntu: sudo apt-get install python3-venv) and run this again."
}

# ensure_venv EXTRA: .venv with kemu in it, editable; EXTRA is "" or "dev". A stamp tells when there is nothing to do.
ensure_venv() {
    local wanted stamp
    wanted="$ROOT $(cksum <"$ROOT/pyproject.toml")"
    for stamp in "$ROOT/.venv/.kemu-$1" "$ROOT/.venv/.kemu-dev"; do
        [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || ! "$ROOT/.venv/bin/python" -c '' 2>/dev/null || return 0
    done
    ensure_python
    # A Python that was upgraded, or a checkout that was moved, leaves an environment that does not start: made anew.
    "$ROOT/.venv/bin/python" -m pip --version >/dev/null 2>&1 ||
        step "Virtual environment .venv" "$(find_python)" -m venv --clear "$ROOT/.venv"
    step "kemu and the packages it needs" "$ROOT/.venv/bin/python" -m pip install \
        --disable-pip-version-check --progress-bar off -e "$ROOT${1:+[$1]}"
    echo "$wanted" >"$ROOT/.venv/.kemu-$1"
}
