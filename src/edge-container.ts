import { HOST_PATH } from './cluster.ts';
import { LABEL } from './labels.ts';

export interface EdgeContainer {
  /** Such as `nginx:1.30`: 1.28 or newer. */
  readonly image: string;
  /** Cluster id. */
  readonly cluster: string;
  /** Labels beside Seawall's own, such as a hash of the settings. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Folder on the host and in the container; `/var/lib/seawall/edge` by default. */
  readonly edgePath?: string;
}

/**
 * Engine API body (`POST /containers/create`) of the edge container, {@link import('./cluster.ts').OWN.edge}. Its folder
 * is filled by the edge loop; until it has, nginx waits.
 */
export function edgeContainerBody(container: EdgeContainer) {
  const { image, cluster, labels = {}, edgePath = HOST_PATH.edge } = container;
  return {
    Image: image,
    Entrypoint: ['sh', '-c', startScript, 'sh', edgePath],
    Cmd: [],
    // Graceful: requests under way are answered. The image's own is the same; older images have SIGTERM.
    StopSignal: 'SIGQUIT',
    Labels: { ...labels, [LABEL.cluster]: cluster, [LABEL.kind]: 'edge' },
    HostConfig: {
      NetworkMode: 'host',
      RestartPolicy: { Name: 'always' },
      ReadonlyRootfs: true,
      Tmpfs: { '/run': 'size=1m', '/tmp': 'size=16m', '/var/cache/nginx': 'size=1m' },
      Binds: [`${edgePath}:${edgePath}`],
      CapDrop: ['ALL'],
      CapAdd: [
        'CHOWN', // log and temporary files are handed to the workers' user
        'DAC_OVERRIDE', // …and opened again by the master after that
        'KILL', // the master and the edge loop end workers of another user
        'NET_BIND_SERVICE',
        'SETGID',
        'SETUID',
        'SYS_PTRACE', // sockets of old workers are counted
      ],
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      // Bounds a runaway; workers of old generations count, so it is far above what one generation needs.
      PidsLimit: 2048,
    },
  };
}

/**
 * Waits for the first configuration: Docker's own retries would come ever later. The workers' user must get through the
 * folder to its own logs and temporary files. A killed nginx leaves its socket, on which the next one could not
 * listen, and temporary files that nobody owns. Open files are raised as far as Docker allows: a fixed number is
 * refused where the hard limit is lower. `exec`: nginx itself gets Docker's signals. `$1` is the edge's folder.
 */
const startScript = `trap 'exit 0' QUIT TERM
until [ -e "$1/current/nginx.conf" ]; do sleep 0.2; done
chmod 0711 "$1"
ulimit -n "$(ulimit -Hn)" || true
rm -rf "$1/status.sock" "$1/temp"
mkdir -p "$1/temp" "$1/logs"
exec nginx -c "$1/current/nginx.conf" -g "daemon off;"`;
