#!/bin/sh
# Expects /etc/pebble/{pebble.json,cert.pem,key.pem}. The arguments go to the challenge test server; PEBBLE_DNS is where
# Pebble asks for names. The container ends when either program does.
set -e
pebble-challtestsrv "$@" &
challtestsrv=$!
pebble -strict -config /etc/pebble/pebble.json -dnsserver "${PEBBLE_DNS:?}" &
pebble=$!
while kill -0 "$pebble" 2>/dev/null && kill -0 "$challtestsrv" 2>/dev/null; do sleep 1; done
kill "$pebble" "$challtestsrv" 2>/dev/null
exit 1
