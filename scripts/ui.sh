#!/usr/bin/env bash
# Builds the console when its sources are newer than the last build.
source "$(dirname "$0")/say.sh"
stamp=ui/dist/.built
if [ ! -e "$stamp" ] || [ -n "$(find ui openapi.json -newer "$stamp" -type f -not -path '*/node_modules/*' -not -path 'ui/dist/*' -print -quit)" ]; then
  if [ ! -e ui/node_modules/.package-lock.json ] || [ ui/package-lock.json -nt ui/node_modules/.package-lock.json ]; then
    say "installing the console's npm packages"
    (cd ui && npm ci --no-audit --no-fund --loglevel=error)
  fi
  say "building the console"
  (cd ui && npm run --silent build -- --logLevel warn)
  touch "$stamp"
fi
