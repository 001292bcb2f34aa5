#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every method of the catalogue has its page, which knows its settings, and its scenario, which meets its target; the
# index of the pages is what the program prints. What a method reads is what `list methods` tells.
# Usage: TARDIGRAD_PROGRAM=PROGRAM tests/methods_docs_test.sh
set -euo pipefail
program=$(realpath "$TARDIGRAD_PROGRAM")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

bad=0 skipped=
complain() {
  echo "$*"
  bad=$((bad + 1))
}

"$program" list methods --markdown >now
sed -n '/<!-- generated -->/,/<!-- \/generated -->/p' "$root/docs/methods/README.md" | sed '1d;$d' >stored
cmp -s now stored || complain "docs/methods/README.md is not what the program prints: ./dev docs"

mapfile -t names < <("$program" list methods --json | sed -n 's/^ *"name": "\(.*\)",*$/\1/p')
[[ ${#names[@]} -ge 6 ]] || { echo "only ${#names[@]} methods"; exit 1; }
for name in "${names[@]}"; do
  page=docs/methods/$name.md scenario=scenarios/methods/$name.toml
  [[ -f $root/$page ]] || { complain "$page is not there"; continue; }
  [[ -f $root/$scenario ]] || { complain "$scenario is not there"; continue; }
  grep -q "$scenario" "$root/$page" || complain "$page does not name $scenario"
  grep -q "^name = \"$name\"" "$root/$scenario" || complain "$scenario runs another method"
  for setting in $("$program" list methods "$name" --json | sed -n 's/^ *"setting": "\(.*\)",*$/\1/p'); do
    grep -q "\`${setting##*.}\`" "$root/$page" "$root"/docs/methods/{common,clipping,privacy}.md ||
      complain "$page does not know $setting"
  done
  listed=" name $("$program" list methods "$name" --json | sed -n 's/^ *"setting": "\(.*\)",*$/\1/p' | tr '\n' ' ')"
  read_here=$("$program" run "$root/$scenario" --set method.no_such_key=1 --out none 2>&1 |
    sed -n "s/.*(known here: \(.*\))/\1/p" | tr -d ,) || true
  for setting in $read_here; do
    [[ $listed == *" $setting "* ]] || complain "list methods $name does not tell of $setting"
  done
  if ! "$program" run "$root/$scenario" --out "$name" --quiet --json --threads 1 >"$name.json" 2>"$name.err"; then
    if grep -q 'needs LibTorch' "$name.err"; then
      skipped="$skipped $name"
    else
      complain "$scenario: $(cat "$name.err")"
    fi
  elif grep -q '"time_to_target": null' "$name.json"; then
    complain "$scenario does not meet its target"
  fi
done
[[ $bad -eq 0 ]] || { echo "$bad to mend"; exit 1; }
[[ -z $skipped ]] || echo "not run, as LibTorch is not there:$skipped"
echo "${#names[@]} methods, each with its page and its scenario"
