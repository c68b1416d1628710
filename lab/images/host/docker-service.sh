#!/bin/sh
# `service docker restart|reload|stop|status` on a lab host: the init starts a stopped dockerd again.
pid=$(cat /run/docker.pid 2>/dev/null)
case "$1" in
  reload) kill -HUP "$pid" ;;
  status) docker version >/dev/null 2>&1 ;;
  start | stop | restart | force-reload)
    [ "$1" = start ] || { kill "$pid" && tail -f --pid="$pid" /dev/null; }
    [ "$1" = stop ] && exit 0
    for _ in $(seq 100); do docker version >/dev/null 2>&1 && exit 0; sleep 0.2; done
    exit 1
    ;;
esac
