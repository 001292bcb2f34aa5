#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The examples of examples/deploy: the program has their options; systemd takes the units (where there is systemd), and
# the compose file is YAML (where there is a parser).
# Usage: TARDIGRAD_PROGRAM=PROGRAM tests/deploy_test.sh
set -euo pipefail
program=$(realpath "$TARDIGRAD_PROGRAM")
deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/examples/deploy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check FILE COMMAND < TEXT: every --option in it is one of the command's.
check() {
  local option help count=0
  help=$("$program" "$2" --help)
  while read -r option; do
    grep -qE -- "$option([ ,]|$)" <<<"$help" || { echo "deploy_test: $1: tardigrad $2 has no $option"; exit 1; }
    count=$((count + 1))
  done < <(grep -oE -- '--[a-z-]+')
  ((count > 3)) || { echo "deploy_test: $1: tardigrad $2 has $count options there"; exit 1; }
}
for unit in "$deploy"/*.service; do
  start=$(awk '/^ExecStart=/ { inside = 1 } inside { print } inside && !/\\$/ { exit }' "$unit")
  read -r _ command _ <<<"$start"
  check "$unit" "$command" <<<"$start"
  sed "s|/usr/bin/tardigrad|$program|" "$unit" >"$work/$(basename "$unit")"
done
for command in serve work; do
  awk -v wanted="      - $command" '/^    (command|volumes):/ { inside = 0 }
    $0 == wanted { inside = 1 }
    inside' "$deploy/compose.yaml" | check compose.yaml "$command"
done
if command -v systemd-analyze >/dev/null; then
  (cd "$work" && systemd-analyze verify --man=no ./*.service) || { echo "deploy_test: a unit is wrong"; exit 1; }
fi
if python3 -c 'import yaml' 2>/dev/null; then
  python3 - "$deploy/compose.yaml" <<'PYTHON'
import sys, yaml
assert set(yaml.safe_load(open(sys.argv[1]))["services"]) == {"coordinator", "worker"}
PYTHON
fi
