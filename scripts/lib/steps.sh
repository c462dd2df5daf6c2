# shellcheck shell=bash
# Steps with their progress, one log file, apt: sourced by scripts/quickstart, scripts/test and scripts/images.
#
# A step's output goes to the log; what fails shows the end of it and its path, and
# ends the script. Works with bash 3.2 (macOS).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LOG=${KEMU_SETUP_LOG:-$ROOT/.cache/setup.log}
mkdir -p "$(dirname "$LOG")"

OS=$(uname -s)
if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then OS=debian; fi # or Ubuntu

say() { printf '%s\n' "$@"; }

die() { # TEXT...: what, where, how to mend it; one line each
    printf '%s\n' "$@" >&2
    exit 1
}

# step TITLE COMMAND...: runs it with its output in the log; on a terminal the seconds are counted meanwhile
step() {
    local title=$1 start=$SECONDS job status=0
    shift
    printf '  %-52s ' "$title"
    printf '\n== %s ==\n' "$title" >>"$LOG"
    (set -e; "$@") >>"$LOG" 2>&1 </dev/null 9>&- & # 9 is the lock: a daemon started here must not keep it
    job=$!
    while [ -t 1 ] && kill -0 "$job" 2>/dev/null; do
        sleep 0.2
        [ $((SECONDS - start)) = 0 ] || printf '\r  %-52s %s s' "$title" $((SECONDS - start))
    done
    wait "$job" || status=$?
    [ ! -t 1 ] || printf '\r  %-52s ' "$title"
    if [ "$status" = 0 ]; then
        printf 'done  %s s\n' $((SECONDS - start))
    else
        printf 'FAILED (%s)\n' "$status"
        { tail -n 15 "$LOG" | sed 's/^/    /'; echo "  All of it: $LOG"; } >&2
    fi
    [ "$status" = 0 ] || exit "$status"
}

# take_turn, end_turn: one set-up at a time; root's may install packages and start the engine, so that is for the machine
take_turn() {
    local lock=$ROOT/.cache/setup.lock
    [ "$(id -u)" != 0 ] || [ ! -d /run ] || lock=/run/kemu-setup.lock
    command -v flock >/dev/null || return 0
    exec 9>>"$lock"
    flock -n 9 || { say "  Another set-up is under way; waiting for it."; flock -w 1200 9 || die "It still is after 20 minutes: see $lock"; }
}

end_turn() { exec 9>&-; }

# apt_install PACKAGE...: installs those that are missing; root on Debian or Ubuntu only
apt_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q -o DPkg::Lock::Timeout=300 || echo "apt-get update failed; going on with the lists there are"
    apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
}
