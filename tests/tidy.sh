#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a compiler does not know: who may include whom (read from docs/architecture.md), banned
# words, sizes, files that nobody builds, methods that nobody registered, links that lead nowhere.
# Usage: tests/tidy.sh [ROOT]. Prints FILE:LINE: MESSAGE; exits 1 when there is anything to say.
set -euo pipefail
export LC_ALL=C
rules=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/tidy.awk
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

# files PATTERN: those of the tree, without what tools and runs leave behind.
files() {
  find . \( -path ./.git -o -path ./build -o -path ./out -o -path ./runs \) -prune -o -type f -print |
    sed 's|^\./||' | { grep -E "$1" || true; } | sort
}

lines() {
  files '\.(cpp|hpp|sh|awk|cmake|toml|md)$|(^|/)CMakeLists\.txt$|^dev$|^\.ci/run$' |
    xargs awk -f "$rules" docs/architecture.md
}

unbuilt() {
  local file dir
  while read -r file; do
    dir=${file%/*}
    until [[ -e $dir/CMakeLists.txt || $dir != */* ]]; do dir=${dir%/*}; done
    grep -qE '^file\(GLOB_RECURSE .* \*\.cpp\)' "$dir/CMakeLists.txt" ||
      grep -qE "(^|[^a-z0-9_])$(basename "$file" .cpp)([^a-z0-9_]|$)" "$dir/CMakeLists.txt" ||
      echo "$file:1: nobody builds it: name it in $dir/CMakeLists.txt"
  done < <(files '^(src|tests|bench|examples)/.*\.cpp$')
}

# Every named method has its file's name and an entry in the catalogue; a scenario or a page of a method has its method.
unregistered() {
  local name file stem methods
  while IFS=: read -r file name; do
    name=${name#MethodRow } name=${name%()*}
    stem=$(basename "$file" .cpp)
    [[ $stem == "$name" ]] || echo "$file:1: the row of its method is MethodRow $stem()"
    grep -qF -- "ENTRY($name)" src/methods/catalogue.cpp ||
      echo "$file:1: write ENTRY($name) in src/methods/catalogue.cpp"
  done < <(files '^src/methods/[a-z0-9_]+\.cpp$' | xargs -r grep -oE '^MethodRow [A-Za-z0-9_]+\(\) \{' /dev/null)
  methods=$(files '^src/methods/[a-z0-9_]+\.cpp$' | xargs -r sed -n 's/.*\.name = "\([a-z0-9-]*\)".*/\1/p')
  while read -r file; do
    name=$(basename "${file%.*}")
    # Pages about what methods share; the index is exempt below.
    [[ $file =~ ^docs/methods/(common|clipping|local-work|privacy|rounds)\.md$ ]] && continue
    grep -qx -- "$name" <<<"$methods" || echo "$file:1: there is no method $name in src/methods"
  done < <(files '^(scenarios|docs)/methods/[a-z0-9-]+\.(toml|md)$')
}

# Settings are constants, which are listed as they are read.
settings_in_quotes() {
  local file line
  while IFS=: read -r file line _; do
    echo "$file:$line: a setting in quotes; make it a Setting (tardigrad/setting.hpp)"
  done < <(files '^src/(methods|problems|data|timing|engines|experiment)/.*\.(cpp|hpp)$' |
    xargs -r grep -nE '\.(numbers?|integer|boolean|choice|text|file_path)(_or)?\("' /dev/null |
    grep -vE '\.(text|choice)\("name"')
}

dead_links() {
  local file line target
  while IFS=: read -r file line target; do
    [[ -e $(dirname "$file")/$target ]] || echo "$file:$line: leads nowhere: $target"
  done < <(files '\.md$' | xargs grep -noE '\]\([^)#: ]+' /dev/null | sed 's/:\](/:/')
}

found=$(lines; unbuilt; unregistered; settings_in_quotes; dead_links)
if [[ -n $found ]]; then
  printf '%s\n' "$found"
  echo "tidy: $(wc -l <<<"$found") to mend" >&2
  exit 1
fi
