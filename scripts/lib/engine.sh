# shellcheck shell=bash
# The container engine: found as the docker command finds it, else installed and started where that is ours to do (root
# on Debian or Ubuntu, default socket). Sourced by scripts/quickstart and scripts/test.

SOCKET=/var/run/docker.sock
DOCKERD_LOG=/var/log/dockerd.log
NO_ENGINE=3

limit() { # SECONDS COMMAND...
    if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

engine_version() { limit 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }

endpoint() {
    docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo "${DOCKER_HOST:-unix://$SOCKET}"
}

# ensure_engine: sets ENGINE to its version; to nothing, having said what to do, where there is none to be started
ensure_engine() {
    ENGINE=$(engine_version) || ENGINE=
    if [ -z "$ENGINE" ] && ! may_start_engine; then
        say "" "$(no_engine_text)" "" >&2
        return
    elif [ -z "$ENGINE" ]; then
        has_docker || step "Docker Engine from the distribution (docker.io)" install_docker
        step "Starting Docker Engine" start_docker
        ENGINE=$(engine_version)
    fi
    printf '  %-52s %s\n' "Container engine at $(endpoint)" "$ENGINE"
}

has_docker() { command -v dockerd >/dev/null && command -v docker >/dev/null; }

may_start_engine() {
    case "$(endpoint)" in "unix://$SOCKET" | unix:///run/docker.sock) ;; *) return 1 ;; esac
    [ "$OS" = debian ] && [ "$(id -u)" = 0 ]
}

no_engine_text() {
    local there
    there=$(endpoint)
    say "No container engine answers at $there."
    if [ -S "$SOCKET" ] && [ ! -w "$SOCKET" ] && [ "$there" = "unix://$SOCKET" ]; then
        say "You may not use its socket: sudo usermod -aG docker $(id -un), log in again, and run this again."
    elif [ "$there" != "unix://$SOCKET" ]; then
        say "Start that engine; or use the local one: unset DOCKER_HOST; docker context use default"
    elif [ "$OS" = debian ]; then
        say "Install and start one: sudo apt-get install docker.io && sudo usermod -aG docker $(id -un)" \
            "log in again, and run this again. Or run this as root: it does so by itself."
    elif [ "$OS" = Darwin ]; then
        say "Install and start one (brew install --cask docker && open -a Docker; Colima and OrbStack do as well)," \
            "and run this again."
    else
        say "Install Docker Engine with your package manager (dnf install moby-engine, pacman -S docker, apk add docker)," \
            "start it (systemctl enable --now docker), add yourself to the group docker, and run this again."
    fi
}

install_docker() {
    command -v dockerd >/dev/null || apt_install docker.io iptables ca-certificates
    command -v docker >/dev/null || apt_install docker-cli # a package of its own from Debian 13 on
}

# runs PID NAME: whether that process is alive (a zombie is not) and is a NAME, not a later process with the same id
runs() {
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# What a killed daemon leaves makes the next one refuse to start, or wait for a containerd that is gone.
clean_leftovers() {
    local file
    for file in /var/run/docker.pid:dockerd /var/run/docker/containerd/{docker-,}containerd.pid:containerd; do
        [ ! -e "${file%:*}" ] || runs "$(cat "${file%:*}")" "${file#*:}" || rm -v -f "${file%:*}"
    done
    for file in /run/containerd/containerd.sock "$SOCKET"; do
        [ ! -S "$file" ] || socket_answers "$file" || rm -v -f "$file"
    done
}

socket_answers() {
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$1" 2>/dev/null
}

# start_docker: through systemd where it runs; else dockerd by itself, which stays when this script ends
start_docker() {
    local daemon=
    if [ -d /run/systemd/system ]; then
        systemctl reset-failed docker.service docker.socket || true
        systemctl start docker
    else
        sleep 1 # the package's own start script may be at it
        clean_leftovers
        if ! runs "$(cat /var/run/docker.pid 2>/dev/null)" dockerd; then
            grep -q ' cgroup' /proc/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup
            setsid dockerd >>"$DOCKERD_LOG" 2>&1 </dev/null &
            daemon=$!
        fi
    fi
    wait_for_engine "$daemon"
}

wait_for_engine() { # [PID]: up to 90 s, or until that dockerd has ended
    local deadline=$((SECONDS + 90))
    until engine_version; do
        if [ $SECONDS -ge $deadline ] || { [ -n "${1-}" ] && ! kill -0 "$1" 2>/dev/null; }; then
            echo "Docker Engine does not answer at $SOCKET. The end of its log:"
            tail -n 12 "$DOCKERD_LOG" 2>/dev/null || journalctl -u docker --no-pager -n 12 2>/dev/null || true
            return 1
        fi
        sleep 0.3
    done
}
