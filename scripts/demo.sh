#!/usr/bin/env bash
# Runs the demo in a data folder of its own, so that it can be run again and again.
source "$(dirname "$0")/say.sh"
export BANK_ADMIN_TOKEN="${BANK_ADMIN_TOKEN:-$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')}"
export BANK_CONTROL_TOKEN="${BANK_CONTROL_TOKEN:-$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')}"
exec "$WATCHKEEPER_TARGET/debug/watchkeeper" demo --bank "$WATCHKEEPER_TARGET/debug/money404-bank" "$@"
