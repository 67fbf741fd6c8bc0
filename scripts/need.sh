#!/usr/bin/env bash
# Installs the Debian packages that are named and missing. Safe to run again; says what it does; silent when nothing is missing.
source "$(dirname "$0")/say.sh"
missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
say "installing Debian packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "these Debian packages are missing and there is no sudo: ${missing[*]}; install them and run this again"
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
# What apt says matters only when it fails.
log=$(mktemp); trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  die "apt could not install: ${missing[*]}"
fi
