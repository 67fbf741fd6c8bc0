#!/usr/bin/env bash
# Everything that is tested, quickest to fail first. Ends with `N passed, N failed`.
source "$(dirname "$0")/say.sh"
out=out/test; mkdir -p "$out"
passed=0 failed=0 skipped=0 broken=()
tally() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + ${3:-0})); }
# A step without a runner of its own counts as one test.
step() {
  local name=$1; shift
  say "$name"
  if NO_COLOR=1 "$@" >"$out/$name.log" 2>&1; then tally 1 0; else tally 0 1; broken+=("$name"); tail -n 60 "$out/$name.log"; fi
}
# The sums of `cargo nextest` or `cargo test`, whichever is there.
cargo_tests() {
  say "Rust tests"
  local log=$out/rust.log status=0
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --no-fail-fast --color never >"$log" 2>&1 || status=$?
    local line; line=$(grep -E '^ *Summary' "$log" | tail -1 || true)
    local p f s
    p=$(grep -oE '[0-9]+ passed' <<<"$line" | grep -oE '[0-9]+' || echo 0)
    f=$( (grep -oE '[0-9]+ (failed|timed out)' <<<"$line" || true) | awk '{s+=$1} END {print s+0}')
    s=$(grep -oE '[0-9]+ skipped' <<<"$line" | grep -oE '[0-9]+' || echo 0)
    tally "${p:-0}" "${f:-0}" "${s:-0}"
    [ -n "$line" ] || { tally 0 1; broken+=("rust build"); }
    [ "${f:-0}" -eq 0 ] || broken+=("rust")
  else
    cargo test --locked --workspace --no-fail-fast >"$log" 2>&1 || status=$?
    local sums; sums=$(grep -E '^test result:' "$log" | awk '{p+=$4; f+=$6; s+=$8} END {print p+0, f+0, s+0}')
    # shellcheck disable=SC2086
    tally $sums
    [ "$status" -eq 0 ] || broken+=("rust")
    if [ "$status" -ne 0 ] && ! grep -qE '^test result: FAILED' "$log"; then tally 0 1; fi
  fi
  if [ "$status" -ne 0 ]; then grep -E '^ *(FAIL|TIMEOUT|error)|panicked at' "$log" | sort -u | tail -n 40; tail -n 40 "$log"; fi
  grep -hoE 'skipped: .*' "$log" | sort -u | sed 's/^/    /' || true
}
# A runner of ours or of npm that ends with `N passed, N failed`.
counted() {
  local name=$1; shift
  say "$name"
  local status=0
  local lines=$out/$name.lines
  NO_COLOR=1 "$@" >"$lines" 2>&1 || status=$?
  sed 's/^/    /' "$lines"
  local p f
  p=$(grep -oE '[0-9]+ passed' "$lines" | tail -1 | grep -oE '[0-9]+' || echo 0)
  f=$(grep -oE '[0-9]+ failed' "$lines" | tail -1 | grep -oE '[0-9]+' || echo 0)
  if [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; then f=1; fi
  tally "${p:-0}" "${f:-0}"
  [ "${f:-0}" -eq 0 ] || broken+=("$name")
}

command -v cargo >/dev/null || die "cargo is missing: install Rust 1.95 or newer (https://rustup.rs) and run this again"
command -v npm >/dev/null || die "npm is missing: install Node.js 20 or newer and run this again"
command -v cc >/dev/null || scripts/need.sh build-essential
scripts/need.sh chromium python3-venv prometheus prometheus-alertmanager prometheus-node-exporter \
  postgresql mariadb-server-core dnsmasq-base
step format cargo fmt --all --check
step tidy cargo xtask tidy
scripts/ui.sh
step ui-lint bash -c 'cd ui && npm run --silent lint && npm run --silent typecheck'
counted ui-unit bash -c 'cd ui && npm test --silent'
step build cargo build --quiet --locked -p watchkeeper-server -p money404-bank
step clippy cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
say "building the Rust tests"
cargo test --quiet --locked --workspace --no-run >"$out/rust-build.log" 2>&1 || true
# The demo mostly waits for minutes to pass, so the Rust tests run meanwhile.
say "the demo with every fault, in the background (eight minutes)"
scripts/e2e.sh >"$out/e2e.log" 2>&1 & e2e=$!
cargo_tests
counted ui-browser bash -c 'cd ui && npm run --silent test:browser'
say "waiting for the demo"
wait "$e2e" || true
counted e2e cat "$out/e2e.log"
say "screenshots and logs are in $out"
[ ${#broken[@]} -eq 0 ] || note "look first at: ${broken[*]}"
[ "$failed" -eq 0 ] && say "next: make demo"
[ "$skipped" -eq 0 ] || note "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
