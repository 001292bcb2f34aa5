#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every scenario of the tree is valid by the schema that the program prints, those of the documents too; scenarios with
# one mistake are not, though the rest of them stays.
# Usage: TARDIGRAD_PROGRAM=PROGRAM tests/schema_test.sh
set -euo pipefail
program=$(realpath "$TARDIGRAD_PROGRAM")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" schema >"$work/schema.json"
"$program" schema --plugin "$(dirname "$program")/tardigrad_example.so" >"$work/plugin.json"
cd "$root"
# The first in PATH may not be the one that Debian's packages are for.
for python in python3 /usr/bin/python3 none; do "$python" -c 'import jsonschema, tomllib' 2>/dev/null && break; done
[[ $python != none ]] || { echo "schema_test: no Python >= 3.11 with jsonschema (Debian: python3-jsonschema)"; exit 1; }
"$python" - "$work/schema.json" "$work/plugin.json" <<'PYTHON'
import copy, json, pathlib, re, sys, tomllib
import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
bad = 0


def complain(text):
    global bad
    bad += 1
    print(text)


def mistakes(scenario):
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(scenario)]


scenarios = {}
for path in sorted(pathlib.Path("scenarios").rglob("*.toml")):
    scenarios[str(path)] = tomllib.loads(path.read_text())
for path in sorted(pathlib.Path("tests/golden").glob("*.toml")):
    scenarios[str(path)] = {"method": tomllib.loads(path.read_text())}
# What stands in documents begins with its file's name.
for path in [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").rglob("*.md"))]:
    for text in re.findall(r"```toml\n(# \S+\.toml\n.*?)```", path.read_text(), re.S):
        scenarios[f"{path}: {text.split()[1]}"] = tomllib.loads(text)
for name, scenario in scenarios.items():
    if "method" in scenario:  # a golden trace is of a method alone, and so are parts of documents
        scenario.setdefault("problem", {"name": "quadratic"})
        scenario.setdefault("workers", {"count": 1, "compute_time": 1.0})
        scenario.setdefault("run", {"stop": {"updates": 1}})
    for mistake in mistakes(scenario):
        complain(f"{name}: {mistake}")

good = tomllib.loads("""
[problem]
name = "quadratic"
noise = { kind = "gaussian", scale = 1.0 }
[workers]
groups = [ { count = 2, compute_time = 1 }, { count = 1, compute_time = { kind = "pareto", shape = 2, scale = 1.0 } } ]
[method]
name = "clipped-asgd"
step_size = 0.1
clip_radius = "auto"
update = { rule = "momentum", momentum = 0.9 }
[run]
stop = { updates = 1e3 }
target = { metric = "loss", at_most = 0.1, hold = 2 }
diverged_when = { loss_factor = inf }
events = { every = 10 }
[compare]
seeds = [1, 2]
methods = [ { name = "ringmaster-asgd", label = "r", step_size = [0.1, 0.2], delay_limit = 4 } ]
""")
for mistake in mistakes(good):
    complain(f"good: {mistake}")

REMOVED = object()
BROKEN = [  # where, and what stands there
    ("porblem", {}),
    ("problem.name", REMOVED),
    ("problem.name", "quadratc"),
    ("problem", REMOVED),
    ("problem.dimensoin", 5),
    ("problem.dimension", 0),
    ("problem.dimension", 2.5),
    ("problem.batch_size", 8),
    ("problem.heterogeneity", {"shfit": 1}),
    ("problem.noise.kind", "gausian"),
    ("problem.noise.scale", REMOVED),
    ("problem.noise.tail", 1),
    ("problem.start", 1),
    ("problem", {"name": "logistic", "partition": {"kind": "iid", "alpha": 1}}),
    ("problem", {"name": "cnn", "augment": "crop"}),
    ("problem", {"name": "cnn", "bn_examples": 10}),
    ("problem", {"name": "resnet18", "bn_examples": 0}),
    ("problem", {"name": "char-lstm", "partition": {"kind": "iid"}}),
    ("problem", {"name": "char-lstm", "dropout": 1}),
    ("problem", {"name": "rosenbrock", "dimension": 5}),
    ("workers.groups.0.count", 0),
    ("workers.groups.0.cuont", 1),
    ("workers.groups.0.count", REMOVED),
    ("workers.groups.0.compute_time", 0),
    ("workers.groups.0.compute_time", REMOVED),
    ("workers.groups.1.compute_time.kind", "paretto"),
    ("workers.groups.1.compute_time.sigma", 1.0),
    ("workers.groups.1.availability", {"first_join": -1}),
    ("workers.count", 3),
    ("workers.own_data", True),  # in a simulation
    ("problem", {"name": "softmax", "features": 3}),
    ("workers.restart_after", 3),
    ("method.name", "clipped"),
    ("method.step_size", REMOVED),
    ("method.step_size", -0.1),
    ("method.step_size", "fast"),
    ("method.step_size", [0.1, 0.2]),
    ("method.delay_limit", 4),
    ("method.clip_radius", "automatic"),
    ("method.update.rule", "momentun"),
    ("method.update.beta3", 1),
    ("run.seed", 1.5),
    ("run.seed", -1),
    ("run.runtime", "thread"),
    ("run.time_scale", 1.0),
    ("run.stop", REMOVED),
    ("run.stop.updates", 0),
    ("run.stop.steps", 1),
    ("run.target.hold", 0),
    ("run.target.metric", REMOVED),
    ("run.diverged_when.loss_factor", 1),
    ("run.events", 10),
    ("run.events.every", 0),
    ("run.record", 1),
    ("run.checkpoint_every", {"seconds": 0}),
    ("compare.seeds", REMOVED),
    ("compare.seeds", [-1]),
    ("compare.rank_by", "last"),
    ("compare.methods.0.step_size", [0.1, 0]),
    ("compare.methods.0.clip_radius", [1.0, "automatic"]),
    ("compare.methods.0.server_step_size", 1),
    ("compare.methods.0.name", ["vanilla-asgd"]),
    ("compare.methods", []),
]
for where, value in BROKEN:
    scenario = copy.deepcopy(good)
    *path, last = [int(key) if key.isdigit() else key for key in where.split(".")]
    table = scenario
    for key in path:
        table = table[key]
    if value is REMOVED:
        del table[last]
    else:
        table[last] = value
    if not mistakes(scenario):
        complain(f"{where} = {'(nothing)' if value is REMOVED else value}: is valid, and should not be")

# A plugin's problem is known, with its settings.
validator = jsonschema.Draft7Validator(json.load(open(sys.argv[2])))
good["problem"] = {"name": "rosenbrock", "dimension": 5, "noise": 0.1}
for mistake in mistakes(good):
    complain(f"with a plugin: {mistake}")
for wrong in ({"name": "rosenbrok"}, {"name": "rosenbrock", "dimension": 1}, {"name": "rosenbrock", "anything": True}):
    good["problem"] = wrong
    if not mistakes(good):
        complain(f"with a plugin: {wrong} is valid, and should not be")

if len(scenarios) < 100:
    complain(f"only {len(scenarios)} scenarios were found")
if bad:
    sys.exit(f"schema_test: {bad} to mend")
print(f"schema_test: {len(scenarios)} scenarios are valid, {len(BROKEN)} mistakes are not")
PYTHON
