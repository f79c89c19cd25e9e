#!/usr/bin/env bash
# Drives the chat page of `herald run` in headless Chromium: chats, cards, faults, restarts, time, accessibility, load.
#
# usage: tests/page/run.sh [path to the herald binary [folder for screenshots]]
#
# Without a binary it builds one. CHROMIUM is another browser than that of the system, ONLY a part of the name of the
# stories to run, ASSETS a folder whose files replace those of the page that are compiled in. The screenshots are to be looked at, not to be committed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

die() {
  echo "FAIL: $*" >&2
  exit 1
}

command -v npm >/dev/null || die "npm is missing: install Node.js 20 or later"
if [[ -z ${CHROMIUM:-} ]]; then
  for candidate in /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
    [[ -x $candidate ]] && CHROMIUM=$candidate && break
  done
fi
if [[ -z ${CHROMIUM:-} ]]; then
  sudo=$( ((EUID == 0)) || echo sudo)
  $sudo apt-get install --quiet --yes chromium
  CHROMIUM=/usr/bin/chromium
fi
export CHROMIUM

if [[ $# -ge 1 ]]; then
  herald=$(realpath "$1")
else
  (cd "$root" && cargo build --locked --bin herald)
  herald=${CARGO_TARGET_DIR:-$root/target}/debug/herald
fi
[[ -x $herald ]] || die "no herald binary at $herald"

(cd "$here" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
work=$(mktemp -d "${TMPDIR:-/tmp}/herald-page.XXXXXX")
screenshots=$(realpath -m "${2:-$work/screenshots}")
mkdir -p "$screenshots"
echo "temp dir: $work, screenshots: $screenshots"
exec node "$here/main.mjs" "$herald" "$work" "$screenshots"
