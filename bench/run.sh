#!/usr/bin/env bash
# Watchkeeper beside Prometheus and Alertmanager in one run: detect-to-notify, start-up, idle memory.
# Needs the harness in ../shared/bench (or $WATCHKEEPER_BENCH); it installs the peers from Debian and PyPI. Loopback only.
source "$(dirname "$0")/../scripts/say.sh"
harness=${WATCHKEEPER_BENCH:-../shared/bench}
[ -x "$harness/setup.sh" ] || die "the harness is not at $harness; set WATCHKEEPER_BENCH"
export BENCH_WORK=${BENCH_WORK:-$HOME/.cache/watchkeeper-bench} BENCH_RESULTS=$PWD/out/bench
mkdir -p "$BENCH_RESULTS"
[ -x "$BENCH_WORK/bin/loadgen" ] || { say "installing the peers"; "$harness/setup.sh" >"$BENCH_RESULTS/setup.log" 2>&1; }
scripts/release.sh
python=$BENCH_WORK/venv/bin/python
binary=$WATCHKEEPER_TARGET/release/watchkeeper
trials=${TRIALS:-50} window=${WINDOW:-50}

data=$(mktemp -d); server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$data"' EXIT
cat >"$data/watchkeeper.yaml" <<YAML
server: { listen: 127.0.0.1:17404 }
rule_files: [rules.yaml]
receivers: [{ name: hook, webhook: [{ url: http://127.0.0.1:17999/hook }] }]
route: { receiver: hook, group_by: [alertname, trial] }
YAML
cat >"$data/rules.yaml" <<YAML
groups:
  - name: g
    rules:
      - alert: Probe
        expr: probe_value > 0.5
        priority: critical
YAML

say "watchkeeper: crossing sample to webhook, default settings, durable"
"$binary" serve --config "$data/watchkeeper.yaml" --data "$data/data" --no-otlp-ports 2>"$BENCH_RESULTS/server.log" & server=$!
until curl -sf http://127.0.0.1:17404/-/ready >/dev/null; do sleep 0.05; done
"$python" "$harness/p1_latency.py" --push-url http://127.0.0.1:17404/api/v1/write --listen 17999 --trials "$trials" --window "$window" --name watchkeeper-default
grep -E 'VmRSS|VmHWM' "/proc/$server/status" | sed 's/^/    /'
kill "$server"; wait "$server" || true; server=

for peer in "10ms 0s" "100ms 0s" "1s 0s"; do
  set -- $peer
  say "Prometheus + Alertmanager: evaluation every $1, group_wait $2"
  "$python" "$harness/p1_latency.py" --peer prom --ver new --eval "$1" --group-wait "$2" --trials "$trials" --window "$window"
done
if [ "${DEFAULTS:-1}" = 1 ]; then
  say "Prometheus + Alertmanager at their defaults (60s scrape, 60s evaluation, group_wait 30s; takes four minutes)"
  "$python" "$harness/p1_latency.py" --peer prom --ver new --eval 60s --scrape 60s --group-wait 30s --trials "$trials" --window "$window"
fi

say "start to ready and idle memory"
mkdir -p "$data/p6"
"$binary" serve --data "$data/p6" --listen 127.0.0.1:17405 --no-otlp-ports 2>/dev/null & server=$!
until curl -sf http://127.0.0.1:17405/-/ready >/dev/null; do sleep 0.05; done
kill "$server"; wait "$server" || true; server=
"$python" "$harness/p6_startup.py" --cmd "$binary serve --data $data/p6 --listen 127.0.0.1:17405 --no-otlp-ports" --ready http://127.0.0.1:17405/-/ready --name watchkeeper
"$python" "$harness/p6_startup.py" --reps 3
say "results are in out/bench; next: compare the medians above"
