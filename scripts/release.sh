#!/usr/bin/env bash
# The release binary, with its size.
source "$(dirname "$0")/say.sh"
scripts/ui.sh
say "building the release binary (several minutes)"
cargo build "${quiet[@]}" --locked --release -p watchkeeper-server
binary="$WATCHKEEPER_TARGET/release/watchkeeper"
say "$(du -h --apparent-size "$binary" | cut -f1) $binary"
"$binary" --version
