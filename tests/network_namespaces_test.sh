#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A coordinator and workers that have a network between them, which is slow, loses packets, is cut: two network
# namespaces, made and removed here, with addresses that exist nowhere else. Whatever it does, the run ends, its
# accounts are whole, and its recording is gone through to its digest. Needs root and iproute2, else it is skipped
# (77); delay and loss need netem, and are left out where the kernel has none.
# Usage: tests/network_namespaces_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
coordinator=tgc$$ workers=tgw$$ address=192.0.2.1 # TEST-NET-1
work=$(mktemp -d)
clean_up() {
  for space in $coordinator $workers; do
    ip netns pids "$space" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "$space" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
skip() { echo "skipped: $*"; exit 77; }
command -v ip tc >/dev/null || skip "no iproute2"
ip netns add "$coordinator" 2>/dev/null || skip "no right to make a network namespace"
ip netns add "$workers"
ip link add tgc0 netns "$coordinator" type veth peer name tgw0 netns "$workers"
ip -n "$coordinator" addr add $address/24 dev tgc0
ip -n "$workers" addr add 192.0.2.2/24 dev tgw0
for end in "$coordinator lo" "$coordinator tgc0" "$workers lo" "$workers tgw0"; do
  ip -n "${end% *}" link set "${end#* }" up
done
network() { # how both directions are: a qdisc with its words
  tc -n "$coordinator" qdisc replace dev tgc0 root "$@" && tc -n "$workers" qdisc replace dev tgw0 root "$@"
}
cd "$work"
cat >s.toml <<'TOML'
problem = { name = "quadratic", dimension = 2000, mu = 0.05, noise = { kind = "gaussian", scale = 0.01 } }
method = { name = "clipped-asgd", step_size = 0.02, clip_radius = 1.0 }
workers = { count = 4 }
run = { stop = { gradients = 100 }, heartbeat = 0.5, evaluate_every = { updates = 50 } }
TOML

serve() { # NAME ARGUMENT...: starts a coordinator
  ip netns exec "$coordinator" "$program" serve s.toml --listen $address:4433 --insecure --out "$1" --record --quiet \
    "${@:2}" >"$1.out" 2>"$1.err" &
  server=$!
}
work() { # NAME
  ip netns exec "$workers" "$program" work --connect $address:4433 --insecure --name "$1" 2>"$1.err" &
}
ended() { # NAME: the run is whole
  wait $server || { echo "$1: exit code $?"; cat "$1.err"; exit 1; }
  wait
  "$program" replay "$1" >replayed || { cat replayed; exit 1; }
  grep -q 'its digest is met' replayed
  python3 - "$1" <<'PYTHON'
import json, sys
c = json.load(open(sys.argv[1] + '/summary.json'))['counters']
orders = [json.loads(row).get('order') for row in open(sys.argv[1] + '/events.jsonl')]
orders = [order for order in orders if order is not None]
assert len(orders) == len(set(orders)), 'an order has ended twice'
ended = sum(c[key] for key in ('applied', 'discarded', 'cancelled', 'lost', 'not_finite'))
assert c['assigned'] - 8 <= ended <= c['assigned'], c
print(f"{sys.argv[1]}: {c['applied']} applied, {c['lost']} lost")
PYTHON
}

if network netem delay 200ms 2>/dev/null; then
  serve far; work a; work b
  ended far
  network netem delay 20ms loss 5%
  serve lossy; work a; work b
  ended lossy
else
  echo "delay and loss: not tried, as this kernel has no netem"
fi

network tbf rate 1mbit burst 32kbit latency 400ms
serve narrow; work a; work b
ended narrow
network pfifo limit 1000

# Cut for so long that both are lost; they return by themselves.
serve cut --set run.stop.gradients=1000000 --set run.stop.time=12; work a; work b
sleep 2
ip -n "$workers" link set tgw0 down
sleep 5
ip -n "$workers" link set tgw0 up
sleep 3
applied() { grep -c '"applied"' cut/events.jsonl || true; }
before=$(applied)
ended cut
grep -q '"lost"' cut/events.jsonl || { echo "cut: nobody was lost"; exit 1; }
((before < $(applied))) || { echo "cut: nobody returned"; exit 1; }
