#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the documents show is true: every whole scenario in them runs, and docs/scenarios.md knows all there is.
# Usage: TARDIGRAD_PROGRAM=PROGRAM tests/docs_test.sh
set -euo pipefail
program=$(realpath "$TARDIGRAD_PROGRAM")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A block of TOML that begins with "# NAME.toml" is a whole scenario.
awk '/^```/ { inside = /^```toml/; file = ""; next }
     inside && file == "" { file = /^# [a-z0-9-]+\.toml/ ? $2 : "/dev/null" }
     inside { print > file }' "$root/README.md" "$root/docs/scenarios.md" "$root"/docs/guide/*.md
count=0
for scenario in *.toml; do
  for command in run compare; do
    grep -q "^\[${command/run/method}\]" "$scenario" || continue
    "$program" "$command" "$scenario" --quiet --threads 2 --out "$scenario-$command" >said || { cat said; exit 1; }
    count=$((count + 1))
  done
done
[[ $count -ge 3 ]] || { echo "only $count scenarios were found in the documents"; exit 1; }

for part in problems datasets timing; do
  names+=$("$program" list "$part" --json | sed -n 's/^ *"\(name\|kind\)": "\(.*\)",*$/ \2/p')
done
for name in $names; do
  grep -q -- "\`$name\`\|\"$name\"" "$root/docs/scenarios.md" "$root/README.md" || unknown+=" $name"
done
[[ -z ${unknown:-} ]] || { echo "docs/scenarios.md does not know:$unknown"; exit 1; }

# docs/formats.md has the numbers of this program.
version=$("$program" --version --json)
formats=$(sed -n '/"formats"/,/}/s/^ *"\(.*\)": \([0-9]*\),*$/\1 \2/p' <<<"$version")
formats+=$'\n'"plugins $(sed -n 's/.*"plugin_interface": \([0-9]*\).*/\1/p' <<<"$version")"
[[ $(wc -l <<<"$formats") -ge 6 ]] || { echo "--version --json tells no formats"; exit 1; }
while read -r file format; do
  grep -qE "^\| \`?$file\`? \| $format " "$root/docs/formats.md" ||
    { echo "docs/formats.md does not say that $file has the format $format"; exit 1; }
done <<<"$formats"
echo "$count scenarios run, $(wc -w <<<"$names") names known"
