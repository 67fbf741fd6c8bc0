#!/usr/bin/env bash
# Alerts at speed, Watchkeeper (release build) beside Debian's Alertmanager in one run. Loopback only; prints a table.
source "$(dirname "$0")/../scripts/say.sh"
scripts/need.sh prometheus-alertmanager python3
[ -n "${WATCHKEEPER_BINARY:-}" ] || scripts/release.sh
mkdir -p out/bench
python3 bench/p4_alerts.py --watchkeeper "${WATCHKEEPER_BINARY:-$WATCHKEEPER_TARGET/release/watchkeeper}" \
  --alertmanager "$(command -v prometheus-alertmanager)" "$@" | tee out/bench/p4.md
