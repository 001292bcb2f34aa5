#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/guide/federated.md, command by command as it stands there: a coordinator and four workers, each in a network
# namespace of its own, made and removed here, with addresses that exist nowhere else. A block "```sh NAME" is for the
# machine NAME; those of `worker` are for each of the four in turn, and `owner` is who has the whole data set.
# Needs root, iproute2 and Fashion-MNIST, else it is skipped (77).
# Usage: tests/federated_guide_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
workers=(anna ben cleo dora)
machines=(coordinator owner "${workers[@]}")
work=$(mktemp -d)
space() { echo "tgf$$-$1"; }
clean_up() {
  for machine in "${machines[@]}"; do
    ip netns pids "$(space "$machine")" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "$(space "$machine")" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
skip() { echo "skipped: $*"; exit 77; }
data=${TARDIGRAD_DATA:-$root/../shared/data}
[[ -e $data/fashion-mnist/train-images-idx3-ubyte.gz ]] || skip "no Fashion-MNIST in $data"
command -v ip >/dev/null || skip "no iproute2"
for machine in "${machines[@]}"; do
  ip netns add "$(space "$machine")" 2>/dev/null || skip "no right to make a network namespace"
  ip -n "$(space "$machine")" link set lo up
done

# The coordinator has a wire to each worker, and one address for all (TEST-NET-1).
coordinator=$(space coordinator)
ip -n "$coordinator" addr add 192.0.2.1/32 dev lo
for i in "${!workers[@]}"; do
  worker=$(space "${workers[i]}") address=192.0.2.$((10 + i))
  ip link add "c$i" netns "$coordinator" type veth peer name w netns "$worker"
  ip -n "$worker" addr add $address/32 dev w
  ip -n "$coordinator" link set "c$i" up
  ip -n "$worker" link set w up
  ip -n "$coordinator" route add $address dev "c$i" src 192.0.2.1
  ip -n "$worker" route add 192.0.2.1 dev w src $address
done

# A machine is a folder, a namespace and a shell, which is handed one block after another.
export PATH="$work/bin:$PATH"
mkdir "$work/bin"
ln -s "$program" "$work/bin/tardigrad"
declare -A shell
for machine in "${machines[@]}"; do
  mkdir "$work/$machine"
  mkfifo "$work/$machine.in"
  root_of_data=$work/none
  [[ $machine != owner ]] || root_of_data=$data
  [[ $machine != coordinator ]] || root_of_data=$work/test
  (cd "$work/$machine" && NAME=$machine TARDIGRAD_DATA=$root_of_data \
    exec ip netns exec "$(space "$machine")" bash -e "$work/$machine.in") >"$work/$machine.log" 2>&1 &
  disown
  exec {descriptor}>"$work/$machine.in"
  shell[$machine]=$descriptor
done
mkdir -p "$work/test/fashion-mnist"
ln -s "$data"/fashion-mnist/t10k-* "$work/test/fashion-mnist"
ln -s "$root/scenarios" "$work/coordinator/scenarios"

fail() {
  echo "federated_guide_test: $*"
  tail -n 20 "$work"/*.log "$work"/coordinator/*.log
  exit 1
}
until_there() { # FILE WHAT: waits half a minute
  for ((i = 0; i < 300; ++i)); do
    [[ ! -e $1 ]] || return 0
    sleep 0.1
  done
  fail "$2"
}
blocks=0
say() { # MACHINE COMMANDS: hands them over, and waits until they have been carried out
  local done=$work/done-$((++blocks))
  printf '%s\ntouch %s\n' "$2" "$done" >&"${shell[$1]}"
  until_there "$done" "$1 does not end: $2"
}
connected() { # MACHINE: once more
  for ((i = 0; i < 300; ++i)); do
    [[ $(grep -c ': connected' "$work/$1.log") -lt $2 ]] || return 0
    sleep 0.1
  done
  fail "$1 is not connected"
}
# What the guide says in words: each worker has the files that are its own; who has all parts gets the run.
hand_out() {
  local i name
  for i in "${!workers[@]}"; do
    name=${workers[i]}
    cp "$work"/coordinator/certs/{ca,"$name","$name-key"}.pem "$work/coordinator/$name.token" "$work/$name"
    cp -r "$work/owner/parts/$i" "$work/$name/mine"
  done
}
carry_out() { # MACHINE COMMANDS
  case $1 in
    worker)
      hand_out
      for name in "${workers[@]}"; do
        say "$name" "$2"
        connected "$name" 1  # in this order
      done
      sleep 1
      ;;
    owner)
      [[ ! -e $work/coordinator/federated/summary.json ]] || cp -r "$work/coordinator/federated" "$work/owner"
      say "$1" "$2"
      ;;
    *)
      [[ $2 != 'kill -STOP $!' ]] || connected ben 2
      say "$1" "$2"
      ;;
  esac
}
machine='' text=''
while IFS= read -r line; do
  if [[ $line =~ ^'```sh '([a-z]+)$ ]]; then
    machine=${BASH_REMATCH[1]} text=''
  elif [[ $line == '```' && -n $machine ]]; then
    carry_out "$machine" "$text"
    machine=''
  elif [[ -n $machine ]]; then
    text+=${text:+$'\n'}$line
  fi
done <"$root/docs/guide/federated.md"
((blocks >= 12)) || fail "only $blocks blocks were found in the guide"

grep -q 'its digest is met' "$work/owner.log" || fail "the run is not replayed"
for name in "${workers[@]}"; do
  grep -q 'has left: the run is over' "$work/$name.log" || fail "$name was not told the end"
done
connected cleo 2
python3 - "$work/coordinator/federated" <<'PYTHON'
import json, sys
s = json.load(open(sys.argv[1] + '/summary.json'))
c, metrics = s['counters'], s['metrics']
assert s['reason'] == 'target', s['reason']
assert metrics['accuracy'] >= 0.76, metrics
assert c['lost'] >= 2, c
ended = sum(c[key] for key in ('applied', 'discarded', 'cancelled', 'lost', 'not_finite'))
assert c['assigned'] - 8 <= ended <= c['assigned'], c
print(f"accuracy {metrics['accuracy']:.3f} after {c['updates']} rounds, {c['lost']} orders lost")
PYTHON
