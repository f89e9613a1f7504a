#!/usr/bin/env bash
# Puts the Bitcoin nodes that others have written where the tests of test/interop look for them: those of npm into .interop,
# from the lockfile in test/interop/nodes, and Debian's litecoind into the system, unless they are there.
#
# Nothing of theirs runs while they are installed: the tests start them with the plain JavaScript parts that they bring
# for browsers, so that no compiler is needed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
lock=test/interop/nodes
folder=.interop

fail() {
  echo "$1" >&2
  exit 1
}

if ! cmp -s "$lock/package-lock.json" "$folder/installed.json"; then
  mkdir -p "$folder"
  cp "$lock/package.json" "$lock/package-lock.json" "$folder/"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund ||
    fail "bcash and bcoin could not be installed: see above what npm says, and run scripts/install-nodes.sh again."
  cp "$lock/package-lock.json" "$folder/installed.json"
fi

if [ -n "${HOLDFAST_TEST_LITECOIND:-}" ] || command -v litecoind >/dev/null; then
  exit 0
fi
command -v apt-get >/dev/null ||
  fail "litecoind is missing, and this is no Debian: install Litecoin Core 0.21.2 on the PATH, or name its program in HOLDFAST_TEST_LITECOIND."
root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "litecoind is missing: as root run \"apt-get install litecoind\"."
  root=(sudo -n)
fi
"${root[@]}" apt-get update &&
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends litecoind ||
  fail "litecoind could not be installed: run \"apt-get install litecoind\" yourself, or name its program in HOLDFAST_TEST_LITECOIND."
