#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads the ELF files that were built: is what hardens them in them (cmake/Tardigrad.cmake)?
# Usage: tests/hardening_test.sh FLAGS FILE...; FLAGS are the compile options that are used, in one word.
set -euo pipefail
export LC_ALL=C
flags=$1
shift
failures=0
fail() {
  echo "$1: $2"
  failures=$((failures + 1))
}

for file in "$@"; do
  segments=$(readelf -lW "$file") dynamic=$(readelf -dW "$file") symbols=$(readelf -W --dyn-syms "$file")
  grep -q GNU_RELRO <<<"$segments" || fail "$file" "what the linker has filled in stays writable: no RELRO"
  grep -qE 'FLAGS.*NOW' <<<"$dynamic" || fail "$file" "functions are bound late, so RELRO is not full: no BIND_NOW"
  if grep -qE 'GNU_STACK.* RWE ' <<<"$segments"; then fail "$file" "an executable stack"; fi
  grep -qE '^Elf file type is DYN' <<<"$segments" || fail "$file" "lies at a fixed address"
  if [[ $file != *.so ]]; then
    grep -q PIE <<<"$dynamic" || fail "$file" "is no position-independent executable"
  fi
  if [[ $flags == *stack-protector* ]]; then
    grep -q __stack_chk_fail <<<"$symbols" || fail "$file" "no stack protector"
  fi
  if [[ $flags == *FORTIFY_SOURCE=* && $file != *example* ]]; then  # an example calls nothing that is fortified
    grep -qE '__(mem|str|v?s?n?|f|v?f)[a-z]*_chk' <<<"$symbols" || fail "$file" "no _FORTIFY_SOURCE"
  fi
  if [[ $flags == *cf-protection* && $(uname -m) == x86_64 ]]; then
    # No pipe: grep -q closes it early.
    code=$(objdump -d --no-show-raw-insn "$file")
    grep -q endbr64 <<<"$code" || fail "$file" "no CET: functions do not begin with endbr64"
  fi
done
[[ $failures == 0 ]] || exit 1
echo "hardening_test: $# files have what they are to have"
