#!/usr/bin/env bash
# Puts a Prometheus and a VictoriaMetrics where the tests look for them: Debian's own packages, checked by apt against
# Debian's key and unpacked. Nothing is installed in the system, and no service is started.
#
# They come from the release named below, also on an older Debian: it is the first whose VictoriaMetrics takes OTLP.
set -euo pipefail

release=trixie
programs=(prometheus victoria-metrics)
folder="${TMPDIR:-/tmp}/holdfast-collectors-$(id -u)"

missing=()
for program in "${programs[@]}"; do
  [ -x "$folder/$program" ] || missing+=("$program")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "They are in $folder"
  exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "This is no Debian: install Prometheus and VictoriaMetrics (1.93 or later), on the PATH or named in" \
    "HOLDFAST_TEST_PROMETHEUS and HOLDFAST_TEST_VICTORIA_METRICS." >&2
  exit 1
fi
repository=$(
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -v '^#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | sed -n '1s/ *$//p' || true
)
if [ -z "$repository" ]; then
  echo "The sources of apt name no Debian repository: install ${missing[*]} on the PATH." >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
touch "$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $repository $release main" >"$work/sources.list"

apt() {
  apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" \
    -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none "$@"
}
apt update
(cd "$work" && apt download "${missing[@]}")
mkdir -p "$folder"
for program in "${missing[@]}"; do
  dpkg-deb -x "$work/$program"_*.deb "$work/unpacked"
  mv "$work/unpacked/usr/bin/$program" "$folder/$program.$$"
  mv "$folder/$program.$$" "$folder/$program"
  "$folder/$program" --version 2>&1 | head -n 1
done
