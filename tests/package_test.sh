#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs packages on a bare Debian 12, a private folder that is thrown away: README's first scenario is run there, a
# download tried, and a network trained where tardigrad-torch is among them. Needs root, debootstrap, and a mirror
# (DEBIAN_MIRROR); where they are not there it is skipped: exit code 77.
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

# What is opened only when it is needed has all its libraries, and is found.
must '' in_debian sh -c 'ldd -r /usr/bin/tardigrad /usr/lib/tardigrad/*.so'
if grep -E 'not found|undefined' "$debian/said"; then echo "package_test: a library lacks these"; exit 1; fi
must '' in_debian su user -c '! tardigrad data get a9a --quiet --mirror http://127.0.0.1:9'
grep -q "Couldn't connect" "$debian/said" ||
  { cat "$debian/said"; echo "package_test: nothing tried to download"; exit 1; }
if [[ "$*" == *tardigrad-torch_* ]]; then
  printf '%s\n' 'problem = { name = "cnn", data = "glyphs", batch_size = 4, evaluation_examples = 8 }' \
    'method = { name = "vanilla-asgd", step_size = 0.01 }' 'workers = { count = 2, compute_time = 1.0 }' \
    'run = { stop = { updates = 3 } }' >"$debian/home/user/network.toml"
  must '' in_debian su user -c 'cd && tardigrad run network.toml --quiet'
  grep '^digest' "$debian/said"
fi

must '' in_debian apt-get remove -y tardigrad
for left in "$debian"/usr/bin/tardigrad "$debian"/usr/lib/tardigrad/*; do
  if [[ -e $left ]]; then echo "package_test: not removed: ${left#"$debian"}"; exit 1; fi
done
echo "package_test: installed on a bare Debian 12, README's first scenario run, removed"
