# Telling what is being done; sourced by the other scripts. Not a script of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
started=$SECONDS
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; else bold='' dim='' off=''; fi
say() { printf '%s==> [%3ds] %s%s\n' "$bold" "$((SECONDS - started))" "$*" "$off"; }
note() { printf '%s    %s%s\n' "$dim" "$*" "$off"; }
# Cargo draws its progress for people; in a log it would be noise.
if [ -t 2 ]; then quiet=(); else quiet=(--quiet); fi
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
