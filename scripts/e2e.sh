#!/usr/bin/env bash
# The demo with every fault, in a browser, with a real mail server. Ends with `N passed, N failed`.
source "$(dirname "$0")/say.sh"
out=$PWD/out/test/e2e
mail=$(mktemp -d); trap 'kill "${smtp:-}" 2>/dev/null; rm -rf "$mail"' EXIT
venv=$WATCHKEEPER_TARGET/smtp-venv
if [ ! -x "$venv/bin/aiosmtpd" ]; then
  python3 -m venv "$venv" && "$venv/bin/pip" --quiet install 'aiosmtpd==1.4.6'
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# The maildir is made by the mail server itself, with its three folders.
"$venv/bin/python" -m aiosmtpd -n -l "127.0.0.1:$port" -c aiosmtpd.handlers.Mailbox "$mail/box" & smtp=$!
(cd ui && node tests/e2e/loop.mjs "$WATCHKEEPER_TARGET/debug/watchkeeper" "$WATCHKEEPER_TARGET/debug/money404-bank" "$out" "$port" "$mail/box")
