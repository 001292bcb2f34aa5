#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` brings works wherever it is moved to: the program runs a scenario that came with it; plugins,
# that of the guide as it stands there, and a program that embeds it are built against it as projects of their own; the
# program opens the former, and the latter comes to the program's digest.
# Usage: tests/install_test.sh BUILD
set -euo pipefail
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset TARDIGRAD_PLUGIN_PATH LD_LIBRARY_PATH

must() { "$@" >said 2>&1 || { cat said; echo "install_test: failed: $*"; exit 1; }; }
must cmake --install "$build" --prefix "$work/first"
mkdir elsewhere
mv first elsewhere/second
prefix=$work/elsewhere/second
program=$prefix/bin/tardigrad
share=$prefix/share/tardigrad

if grep -rIlF "$build" "$prefix" | grep .; then echo "install_test: they name the build folder"; exit 1; fi
for file in "$program" "$prefix"/lib/tardigrad/*.so; do
  if readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -F "$build"; then
    echo "install_test: $file seeks libraries in the build folder"
    exit 1
  fi
done
for file in LICENSE README.md docs/scenarios.md scenarios/quadratic.toml examples/plugin/rosenbrock.cpp; do
  [[ -s $share/$file ]] || { echo "install_test: $file was not installed"; exit 1; }
done

for file in man/man1/tardigrad.1 bash-completion/completions/tardigrad zsh/site-functions/_tardigrad \
  tardigrad/scenario.schema.json; do
  [[ -s $prefix/share/$file ]] || { echo "install_test: $file was not installed"; exit 1; }
done

if readelf -d "$program" | grep -E 'NEEDED.*(curl|archive)'; then
  echo "install_test: the program loads these, and what they need, before it knows that it needs them"
  exit 1
fi
echo nothing >nothing && tar -cf nothing.tar nothing
if "$program" data import cifar10 nothing.tar --data-root data >said 2>&1 ||
  ! grep -q 'nothing.tar: .*data_batch' said; then
  cat said
  echo "install_test: what is opened when it is needed was not found, or imports nothing"
  exit 1
fi

must "$program" --version
must "$program" run "$share/scenarios/quadratic.toml" --set run.stop.updates=200 --quiet --out quadratic
must cmake -G Ninja -S "$share/examples/plugin" -B plugin -DCMAKE_PREFIX_PATH="$prefix"
must cmake --build plugin
cat >rosenbrock.toml <<'TOML'
[problem]
name = "rosenbrock"
dimension = 10

[workers]
groups = [ { count = 4, compute_time = 1.0 } ]

[method]
name = "vanilla-asgd"
step_size = 1e-4

[run]
stop = { updates = 100 }
TOML
must "$program" run rosenbrock.toml --plugin plugin/tardigrad_example.so --quiet --out rosenbrock
[[ -s rosenbrock/summary.json ]] || { echo "install_test: the plugin's run has no summary"; exit 1; }
sed 's/"rosenbrock"/"quadratic"/; s/"vanilla-asgd"/"sign-majority"/' rosenbrock.toml >majority.toml
must "$program" run majority.toml --plugin plugin/tardigrad_sign_majority.so --quiet --out majority
must "$program" run --resume majority --quiet

# The guide's plugin and its commands, as they stand there.
block() { awk -v language="$1" '/^```/ { inside = $0 == "```" language; next } inside' "$share/docs/guide/plugins.md"; }
block cpp >mine.cpp
block toml >mine.toml
block sh | sed "s|PREFIX|$prefix|" >commands.sh
[[ $(grep -c . commands.sh) -eq 4 ]] || { echo "install_test: the guide to plugins has other commands"; exit 1; }
must env PATH="$prefix/bin:$PATH" bash -euxo pipefail commands.sh
must cmake -G Ninja -S "$share/examples/embedding" -B embedding -DCMAKE_PREFIX_PATH="$prefix"
must cmake --build embedding
must env -C "$share/scenarios" "$work/embedding/embedding" quadratic.toml run.stop.updates=200
digest=$(tail -1 said)
grep -qF "\"$digest\"" quadratic/summary.json || { echo "install_test: embedded it has the digest $digest"; exit 1; }
# It finds plugins beside the library, not beside itself.
[[ -e $prefix/lib/tardigrad/libtardigrad_torch.so ]] ||
  cp plugin/tardigrad_example.so "$prefix/lib/tardigrad/libtardigrad_torch.so"
if embedding/embedding "$share/scenarios/quadratic.toml" problem.name=cnn 2>&1 | grep "lacks"; then
  echo "install_test: it finds no plugin beside the library"
  exit 1
fi
echo "install_test: installed, moved, and plugins and a program that embeds it built against it"
