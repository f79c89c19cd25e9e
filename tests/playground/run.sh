#!/usr/bin/env bash
# Runs Herald under Microsoft's Agents Playground and drives the page in headless Chromium.
#
# usage: tests/playground/run.sh [path to the herald binary [path for the screenshot]]
#
# Without a binary it builds one. HERALD_PORT (default 3978) is the port Herald listens on, CHROMIUM
# another browser than /usr/bin/chromium, SCREENSHOT another way to give its path. Logs, Herald's
# state and, unless a path is given, the screenshot stay in the temp dir it prints.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
port=${HERALD_PORT:-3978}
pids=()

die() {
  echo "FAIL: $*" >&2
  exit 1
}

# Ends every process started here, by its id: first asks, then, after 5 s, insists.
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
  local status=$? pid i
  trap - EXIT
  trap '' INT TERM HUP
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    pid=${pids[i]}
    # Ended and waited for: another process may have its id by now.
    jobs -rp | grep -qx "$pid" || continue
    kill "$pid" 2>/dev/null || continue
    for _ in {1..50}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# show_log NAME FILE: the end of a log, to stderr
show_log() {
  echo "--- end of $1 ($2)" >&2
  tail -n 20 "$2" >&2
}

[[ $port =~ ^[1-9][0-9]{0,4}$ ]] || die "HERALD_PORT is not a port: $port"
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
[[ -x $CHROMIUM ]] || die "$CHROMIUM is missing: apt-get install chromium"
! answers "$port" || die "port $port is taken: choose another with HERALD_PORT"
command -v npm >/dev/null || die "npm is missing: install Node.js 20 or later"

if [[ $# -ge 1 ]]; then
  herald=$1
else
  (cd "$root" && cargo build --locked --bin herald)
  herald=${CARGO_TARGET_DIR:-$root/target}/debug/herald
fi
[[ -f $herald && -x $herald ]] || die "no herald binary at $herald"
herald=$(realpath "$herald")

work=$(mktemp -d "${TMPDIR:-/tmp}/herald-playground.XXXXXX")
mkdir "$work/state"
touch "$work/herald.log" "$work/playground.log"
screenshot=$(realpath -m "${2:-${SCREENSHOT:-$work/playground.png}}")
echo "temp dir: $work"

(cd "$here" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)

# Herald
"$herald" run --playground --port "$port" --state "$work/state" >"$work/herald.log" 2>&1 &
herald_pid=$!
pids+=("$herald_pid")
for ((i = 0; ; i++)); do
  if ! kill -0 "$herald_pid" 2>/dev/null; then
    show_log herald "$work/herald.log"
    die "herald ended before it answered on port $port"
  fi
  answers "$port" && break
  if ((i >= 150)); then
    show_log herald "$work/herald.log"
    die "herald does not answer on 127.0.0.1:$port after 30 s"
  fi
  sleep 0.2
done

# The Playground. It writes devTools/ into its working directory, and takes any free port when its
# own is busy: the real one is the one it prints.
cd "$work"
TEAMSAPPTESTER_BROWSER=none node "$here/node_modules/@microsoft/m365agentsplayground/cli.js" \
  -e "http://127.0.0.1:$port/api/messages" -c msteams --dt >"$work/playground.log" 2>&1 &
playground_pid=$!
pids+=("$playground_pid")
playground_port=
for ((i = 0; ; i++)); do
  playground_port=$(sed -nE 's/^.*Listening on ([0-9]+).*$/\1/p' "$work/playground.log" | head -n 1)
  [[ -n $playground_port ]] && break
  if ! kill -0 "$playground_pid" 2>/dev/null; then
    show_log agentsplayground "$work/playground.log"
    die "agentsplayground ended before it listened"
  fi
  if ((i >= 150)); then
    show_log agentsplayground "$work/playground.log"
    die "agentsplayground does not listen after 30 s"
  fi
  sleep 0.2
done
echo "herald on $port, Agents Playground on $playground_port"

# In the background, so that this script handles a signal at once.
node "$here/play.mjs" "$playground_port" "$screenshot" &
play_pid=$!
pids+=("$play_pid")
status=0
wait "$play_pid" || status=$?
if ((status != 0)); then
  show_log herald "$work/herald.log"
  show_log agentsplayground "$work/playground.log"
fi
exit "$status"
