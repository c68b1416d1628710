#!/bin/sh
# As in the official image: scripts in /docker-entrypoint.d run before nginx itself.
set -e
if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
  for file in /docker-entrypoint.d/*; do
    case "$file" in
      *.envsh) [ ! -x "$file" ] || . "$file" ;;
      *.sh) [ ! -x "$file" ] || "$file" ;;
    esac
  done
fi
exec "$@"
