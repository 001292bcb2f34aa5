#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows tests/tidy.sh a small tree with one fault of each kind and compares what it says, word for word.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"

mkdir -p docs src/{methods,core,timing,engines/sim,nowhere} tests include/tardigrad scenarios/methods
cp "$here/../docs/architecture.md" docs/
sed -i '/\](adr\//d' docs/architecture.md
echo '[one](two.md)' >docs/page.md
# file FILE LINE...: a source file with these lines under its licence.
file() {
  { echo '// SPDX-License-Identifier: Apache-2.0'; printf '%s\n' "${@:2}"; } >"$1"
}
licence='# SPDX-License-Identifier: Apache-2.0'
printf '%s\n' "$licence" 'file(GLOB_RECURSE methods CONFIGURE_DEPENDS *.cpp)' >src/methods/CMakeLists.txt
printf '%s\n' "$licence" 'tardigrad_module(core SOURCES bad.cpp)' >src/core/CMakeLists.txt
printf '%s\n' "$licence" 'tardigrad_module(timing SOURCES clock.cpp)' >src/timing/CMakeLists.txt
printf '%s\n' "$licence" 'tardigrad_module(sim SOURCES sim/simulator.cpp)' >src/engines/CMakeLists.txt
printf '%s\n' "$licence" >scenarios/methods/lost-asgd.toml

file include/tardigrad/x.hpp '#include <vector>' '#include "core/hash.hpp"'
file src/methods/good.cpp '#include "core/hash.hpp"' '#include "methods/a.hpp"' '#include "tardigrad/rng.hpp"' \
  '// random_device is what we do not use, and γ·∇f(x) counts as characters, not as bytes: ééééééééééééééééééééééééééé'
file src/methods/bad.cpp '#include "data/images.hpp"' '#include <thread>' '#include "hash.hpp"' \
  '#include <hwy/highway.h>' 'std::unordered_map<int, int> m;' 'MethodRow lost() { return {.name = "lost"}; }' \
  'double x = settings.number_or("x", 1.0);' \
  'throw Error("say --out");' 'for (int left = 9; left > 0; --left) say("a - b");'
file src/core/bad.cpp '#include "engines/sim/simulator.hpp"' 'std::normal_distribution<double> n;' \
  'std::random_device d;' 'using namespace std;' "// $(printf 'x%.0s' {1..120})" '// TODO' \
  "// $(printf '/%s' root someone)"
file src/engines/sim/simulator.cpp 'auto excused = std::chrono::steady_clock::now();' '#include "engines/drive.hpp"'
file src/timing/clock.cpp 'auto t = std::chrono::steady_clock::now();'
file src/methods/catalogue.cpp 'int none;'
file src/nowhere/lost.hpp ''
file tests/alone.cpp ''
printf '%s\n' "$licence" >tests/CMakeLists.txt
printf 'int a;\nint b;\n' >tests/bare.hpp
{ echo "// ${licence#\# }"; for _ in {1..500}; do echo; done; } >tests/long.hpp

cat >expected <<'TEXT'
docs/page.md:1: leads nowhere: two.md
include/tardigrad/x.hpp:3: contract may not include core; it may include: the contract (docs/architecture.md)
scenarios/methods/lost-asgd.toml:1: there is no method lost-asgd in src/methods
src/core/bad.cpp:2: core may not include engines/sim; it may include: the contract, core (docs/architecture.md)
src/core/bad.cpp:3: std::normal_distribution: its numbers are not specified; use tardigrad::Stream
src/core/bad.cpp:4: random_device: tardigrad::Stream is the only source of randomness
src/core/bad.cpp:5: using namespace std;: name what you use
src/core/bad.cpp:6: a line of 123 characters; at most 120
src/core/bad.cpp:7: unfinished work: do it, or leave it out
src/core/bad.cpp:8: a path of one machine
src/methods/bad.cpp:1: the row of its method is MethodRow bad()
src/methods/bad.cpp:1: write ENTRY(lost) in src/methods/catalogue.cpp
src/methods/bad.cpp:2: methods may not include data; it may include: the contract, core, theory (docs/architecture.md)
src/methods/bad.cpp:3: methods may not include <thread> (docs/architecture.md)
src/methods/bad.cpp:4: include "hash.hpp": write it from src/ ("core/hash.hpp") or as "tardigrad/..."
src/methods/bad.cpp:5: <hwy/highway.h> belongs to core, not to methods (docs/architecture.md)
src/methods/bad.cpp:6: unordered_map: its order is not specified; use a vector or std::map
src/methods/bad.cpp:8: a setting in quotes; make it a Setting (tardigrad/setting.hpp)
src/methods/bad.cpp:9: "say --o: options are words of the command line; an Error has remedies (tardigrad/error.hpp)
src/nowhere/lost.hpp:1: its module has no row in docs/architecture.md
src/timing/clock.cpp:2: steady_clock: time comes with the event
tests/alone.cpp:1: nobody builds it: name it in tests/CMakeLists.txt
tests/bare.hpp:2: no licence on top; write: SPDX-License-Identifier: Apache-2.0
tests/long.hpp:501: more than 500 lines: look for the second idea inside
TEXT
if "$here/tidy.sh" "$tree" >said 2>/dev/null; then
  echo "tidy found nothing"
  exit 1
fi
LC_ALL=C sort -t: -k1,1 -k2,2n said | diff expected - && echo "tidy says what it should"
