/** How long an nginx takes to read its configuration and to have new workers. */
import type { Lab } from '../../lab/lab.ts';
import { onHost } from '../command.ts';

export interface Reload {
  /** `nginx -t`: what Seawall does before each swap. */
  readonly testMs: number;
  /** From SIGHUP to the first worker of the new configuration. */
  readonly reloadMs: number;
}

/** Tests and reloads the nginx of a container, and waits for the end of the old workers; `file` is its configuration. */
export async function reloadNginx(lab: Lab, host: string, container: string, file: string): Promise<Reload> {
  const text = await onHost(lab, host, `set -- ${container} ${file}\n${script}`);
  const [testMs = Number.NaN, reloadMs = Number.NaN] = text.trim().split(' ').map(Number);
  return { testMs, reloadMs };
}

/** The master's first child that was not there before is a worker that has read the new configuration. */
const script = `set -e
now() { date +%s%3N; }
begun=$(now)
docker exec "$1" nginx -t -q -c "$2"
tested=$(now)
master=$(docker inspect --format '{{.State.Pid}}' "$1")
# A shell in front of nginx, if there is one, is its only parent.
inner=$(pgrep -P "$master" -f 'nginx: master' || true)
[ -z "$inner" ] || master=$inner
before=" $(pgrep -P "$master" | tr '\\n' ' ')"
kill -HUP "$master"
for try in $(seq 6000); do
  for pid in $(pgrep -P "$master" -f 'nginx: worker'); do
    case "$before" in *" $pid "*) ;; *) echo "$((tested - begun)) $(($(now) - tested))"; break 2 ;; esac
  done
  sleep 0.01
done
for try in $(seq 300); do
  left=0
  for pid in $before; do kill -0 "$pid" 2>/dev/null && left=1; done
  [ $left = 1 ] || exit 0
  sleep 0.1
done
echo 'old workers do not end' >&2
exit 1`;
