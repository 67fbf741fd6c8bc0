#!/usr/bin/env bash
# Builds the console and the two programs of the demo. The profile is the one of the tests, so that one build serves both.
source "$(dirname "$0")/say.sh"
command -v cargo >/dev/null || die "cargo is missing: install Rust 1.95 or newer (https://rustup.rs) and run this again"
command -v npm >/dev/null || die "npm is missing: install Node.js 20 or newer and run this again"
command -v cc >/dev/null || scripts/need.sh build-essential
scripts/ui.sh
say "building watchkeeper and the bank (the first time takes several minutes)"
cargo build "${quiet[@]}" --locked -p watchkeeper-server -p money404-bank
