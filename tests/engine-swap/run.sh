#!/usr/bin/env bash
# Copies the tree, replaces functions/engine by the echo engine of this folder, and checks, runs and tests the rest as
# it is. With --check-only, it stops after `cargo check`.
#
# Builds in CARGO_TARGET_DIR, or in target/engine-swap. The copy is kept in there, so that a second run rebuilds little.
set -euo pipefail
cd "$(dirname "$0")/../.."

case "${1-}" in
    "" | --check-only) ;;
    *) echo "usage: $0 [--check-only]" >&2; exit 2 ;;
esac

CARGO_TARGET_DIR="$(realpath -m "${CARGO_TARGET_DIR:-target/engine-swap}")"
export CARGO_TARGET_DIR
cargo="${CARGO:-cargo}"
copy="$CARGO_TARGET_DIR/engine-swap-tree"

rm -rf "$copy"
mkdir -p "$copy"
# Files of the working tree, also those not committed yet, with their times.
git ls-files -z --cached --others --exclude-standard -- ':!functions/engine' \
    | tar --create --null --ignore-failed-read --files-from=- | tar --extract --directory="$copy"
mkdir -p "$copy/functions/engine/src"
cp -p tests/engine-swap/Cargo.toml "$copy/functions/engine/Cargo.toml"
cp -p tests/engine-swap/lib.rs "$copy/functions/engine/src/lib.rs"
cd "$copy"

echo "== cargo check"
"$cargo" check --workspace --all-targets
if [[ "${1-}" == --check-only ]]; then exit; fi

echo "== doctor"
"$cargo" run -- doctor
echo "== demo"
"$cargo" run -- demo
echo "== tests"
"$cargo" test --test it
