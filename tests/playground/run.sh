#!/usr/bin/env bash
# Plays "order a laptop" in Microsoft's Agents Playground, in a headless Chromium, against `herald run --playground`.
# Usage: tests/playground/run.sh [herald binary]   Environment: HERALD_PORT (3978), SCREENSHOT (a file to write).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/playground"
port=${HERALD_PORT:-3978}
chromium=${CHROMIUM:-$(command -v chromium || true)}
if [ -z "$chromium" ]; then
    echo "run.sh: Chromium is missing: apt-get install chromium, or set CHROMIUM to its path" >&2
    exit 1
fi
herald=${1:-}
if [ -z "$herald" ]; then
    (cd "$root" && cargo build --locked --bin herald)
    herald="${CARGO_TARGET_DIR:-$root/target}/debug/herald"
fi
(cd "$here" && npm ci --no-audit --no-fund --loglevel=error)

state=$(mktemp -d)
: > "$state/herald.log"
: > "$state/playground.log"
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$state"
}
trap cleanup EXIT

# Waits until a log holds a line, or the process that writes it is gone.
await_line() { # pattern, log, pid, name
    for _ in $(seq 1 300); do
        if grep -qE "$1" "$2"; then return 0; fi
        if ! kill -0 "$3" 2>/dev/null; then break; fi
        sleep 0.1
    done
    echo "run.sh: $4 did not start:" >&2
    cat "$2" >&2
    exit 1
}

"$herald" run --playground --port "$port" --state "$state/herald" > "$state/herald.log" 2>&1 &
pids+=($!)
await_line 'Ctrl-C ends' "$state/herald.log" "${pids[0]}" "herald"

# A busy port silently becomes another: the real one is in its output.
# It leaves a folder where it is started.
(cd "$state" && TEAMSAPPTESTER_BROWSER=none exec "$here/node_modules/.bin/agentsplayground" \
    -e "http://127.0.0.1:$port/api/messages" -c msteams --dt > "$state/playground.log" 2>&1) &
pids+=($!)
await_line 'Listening on [0-9]+' "$state/playground.log" "${pids[1]}" "the playground"
page=$(grep -oE 'Listening on [0-9]+' "$state/playground.log" | grep -oE '[0-9]+' | head -n 1)

if ! node "$here/play.mjs" "$chromium" "http://127.0.0.1:$page" "${SCREENSHOT:-$state/playground.png}"; then
    echo "run.sh: herald said:" >&2
    cat "$state/herald.log" >&2
    exit 1
fi
