#!/bin/sh
mkdir -p /run/sshd
while :; do
  /usr/sbin/sshd -D -e
  sleep 1
done
