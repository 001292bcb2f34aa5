#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the package of the program on a bare Debian 12, a private folder that is thrown away, and runs README's first
# scenario there. Needs root, debootstrap, and a mirror (DEBIAN_MIRROR); where they are not there it is skipped: exit
# code 77.
# Usage: tests/package_test.sh PACKAGE.deb...
set -euo pipefail
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readme=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/README.md
skip() {
  echo "package_test: SKIPPED: $*"
  exit 77
}
[[ $# -gt 0 && -s $1 ]] || { echo "usage: tests/package_test.sh PACKAGE.deb... (./dev package makes them)"; exit 2; }
[[ $EUID -eq 0 ]] || skip "only root makes a Debian in a folder"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
debian=$(mktemp -d)
chmod 755 "$debian"
leave() {
  umount "$debian/proc" 2>/dev/null || true
  rm -rf --one-file-system "$debian"
}
trap leave EXIT

# must SKIPS COMMAND...: what it said is shown where it fails, which is a reason to skip where SKIPS is not empty.
must() {
  "${@:2}" >"$debian/said" 2>&1 </dev/null && return
  tail -30 "$debian/said"
  [[ -z $1 ]] || skip "$1"
  echo "package_test: failed: ${*:2}"
  exit 1
}
in_debian() { chroot "$debian" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

must "no Debian 12 from $mirror" debootstrap --variant=minbase bookworm "$debian" "$mirror"
mount -t proc proc "$debian/proc" 2>/dev/null || true  # the program reads /proc/self where it is there
cp "$@" "$debian/root/"
must '' in_debian apt-get install -y --no-install-recommends "${@/#*\//\/root\/}"
must '' in_debian useradd --create-home user
awk '/^```toml/ && !done { inside = 1; next } /^```/ && inside { done = 1; inside = 0 } inside' "$readme" \
  >"$debian/home/user/wild.toml"
must '' in_debian su user -c 'cd && tardigrad --version && tardigrad compare wild.toml --quiet'
cat "$debian/said"
grep -q '^clipped-asgd reaches' "$debian/said" || { echo "package_test: README promises another end"; exit 1; }
must '' in_debian apt-get remove -y tardigrad
if [[ -e $debian/usr/bin/tardigrad ]]; then echo "package_test: it was not removed"; exit 1; fi
echo "package_test: installed on a bare Debian 12, README's first scenario run, removed"
