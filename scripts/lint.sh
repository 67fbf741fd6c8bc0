#!/usr/bin/env bash
# What the compiler does not check: format, clippy, the house rules, the console's lint and types.
source "$(dirname "$0")/say.sh"
say "format"; cargo fmt --all --check
say "house rules"; cargo xtask tidy
say "clippy"; cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
say "console: lint and types"; (cd ui && npm run --silent lint && npm run --silent typecheck)
