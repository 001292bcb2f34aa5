#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completions and manual page know every command, option and name that the program knows; shells that are installed
# accept them, and bash completes with them.
# Usage: TARDIGRAD_PROGRAM=PROGRAM tests/words_test.sh
set -euo pipefail
program=$(realpath "$TARDIGRAD_PROGRAM")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$root/packaging/words.sh" "$program" .
fail() {
  echo "words_test: $*"
  exit 1
}

# completes "WORDS" "EXPECTED": what bash offers for the last of WORDS, sorted.
source ./tardigrad.bash
completes() {
  local IFS=' '
  read -ra COMP_WORDS <<<"$1"
  [[ $1 != *' ' ]] || COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  _tardigrad
  local found
  found=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')
  [[ $found == "$2" ]] || fail "\`$1\` completes to \`$found\`, not to \`$2\`"
}
touch mine.toml
completes 'tardigrad co' compare
completes 'tardigrad data ' 'get import list split verify'
completes 'tardigrad run --re' '--record --resume'
completes 'tardigrad run mine.toml --over' --overwrite
completes 'tardigrad run mi' mine.toml
completes 'tardigrad run mine.toml --runtime ' 'grpc hogwild sim threads'
completes 'tardigrad what-if runs/q --method ringm' ringmaster-asgd
completes 'tardigrad data get fashion' fashion-mnist

# Every long option that a help text names is in all four, and so is every command.
help=$("$program" --help; for command in run compare replay what-if list schema data; do
  "$program" "$command" --help; done)
options=$(grep -oE '^  (-[a-z],)?--[a-z-]+' <<<"$help" | sed 's/.*--//' | sort -u)
[[ $(wc -w <<<"$options") -ge 15 ]] || fail "only these options were found: $options"
for option in $options run compare replay what-if list schema data get import verify split; do
  grep -qE -- "(--|'| )$option" tardigrad.bash || fail "tardigrad.bash lacks $option"
  grep -q -- "$option" _tardigrad || fail "_tardigrad lacks $option"
  grep -qE -- "-l $option|-a $option" tardigrad.fish || fail "tardigrad.fish lacks $option"
  grep -q -- "${option//-/\\\\-}" tardigrad.1 || fail "tardigrad.1 lacks $option"
done

if command -v groff >/dev/null; then
  said=$(groff -man -Tascii -ww -z tardigrad.1 2>&1) && [[ -z $said ]] || fail "groff: $said"
fi
if command -v zsh >/dev/null; then zsh -n _tardigrad || fail "zsh does not read _tardigrad"; fi
if command -v fish >/dev/null; then fish -n tardigrad.fish || fail "fish does not read tardigrad.fish"; fi
echo "words_test: $(wc -w <<<"$options") options in completions and manual page"
