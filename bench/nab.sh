#!/usr/bin/env bash
# The anomaly detector on the series of the Numenta Anomaly Benchmark: a score per file, per group and in all.
# Reads ../shared/corpora (or $WATCHKEEPER_CORPORA) and says so when it is not there.
source "$(dirname "$0")/../scripts/say.sh"
say "the Numenta Anomaly Benchmark, standard profile"
cargo run --quiet --release -p watchkeeper-promql --example nab
