#!/bin/sh
# Runs a script of this repository on the Node that the repository brings, on a fresh clone too:
#   sh scripts/with-setup.sh scripts/demo.ts --hosts 3
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null 2>&1; then
  echo "npm is missing. Install Node.js 18 or newer first (Debian: apt-get install nodejs npm); the repository brings the version it runs on." >&2
  exit 2
fi
# Node 26 needs libatomic, which a slim Debian or Ubuntu does not bring; the installation below runs that Node already.
if [ "$(uname -s)" = Linux ] && ! PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q 'libatomic\.so\.1'; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing libatomic1 …"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends libatomic1 >/dev/null
  else
    echo "The repository's Node needs libatomic, which is missing here: sudo apt-get install libatomic1" >&2
    exit 2
  fi
fi
# The lock file of the last install is older than what is asked for: install.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing dependencies (npm install) …"
  # Not npm ci: it refuses a lock file without the packages of other platforms, which npm left out where a registry
  # does not carry them. The lock file still decides every version, and --no-save leaves it as it is.
  npm install --no-save --no-audit --no-fund --loglevel=error
fi
exec node_modules/.bin/node "$@"
