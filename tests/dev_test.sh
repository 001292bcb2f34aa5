#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What ./dev says to those who ask for what there is not, and where libraries are missing.
set -euo pipefail
dev=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/dev

# expect CODE TEXT COMMAND...: it exits with CODE, and its last line holds TEXT.
expect() {
  local code=0 said
  said=$("${@:3}" 2>&1) || code=$?
  if [[ $code != "$1" || ${said##*$'\n'} != *"$2"* ]]; then
    printf '%s\nexit code %s, expected %s with: %s\n' "$said" "$code" "$1" "$2"
    exit 1
  fi
}

expect 0 'TARDIGRAD_DATA names the folder of the data sets.' "$dev"
expect 2 'dev: bild: no such command' "$dev" bild
expect 2 'dev: preset debug: no such preset; presets: core full release ci asan tsan fuzz' "$dev" build debug
expect 2 'dev: setup cuda: no such group; groups: base torch grpc speed tests bench package site fmt fuzz' \
  "$dev" setup cuda
expect 2 'dev: fmt --verify: only --check is known' "$dev" fmt --verify
expect 2 'dev: package --try: only --test is known' "$dev" package --try
expect 2 'dev: site guides: takes no words' "$dev" site guides
expect 2 'dev: golden --rewrite: only --update is known' "$dev" golden --rewrite

# A machine with neither compiler nor apt-get.
bare=$(mktemp -d)
trap 'rm -rf "$bare"' EXIT
for program in bash cat dirname grep nproc sed; do ln -s "$(command -v "$program")" "$bare/"; done
expect 2 'dev: missing, by their Debian names: g++ cmake ninja-build libopenblas0 libhwy-dev libtbb-dev libfmt-dev' \
  env PATH="$bare" "$dev" build core
expect 2 'as root: apt-get install --no-install-recommends clang-format)' env PATH="$bare" "$dev" setup fmt
echo "dev says what it should"
