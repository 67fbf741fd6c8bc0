#!/usr/bin/env bash
# Renews the committed outputs that tests hold against their sources.
source "$(dirname "$0")/say.sh"
say "openapi.json and config.schema.json"
WATCHKEEPER_BLESS=1 cargo test --quiet --locked -p watchkeeper-server -p watchkeeper-config committed
say "the console's client"
(cd ui && npm run --silent generate)
