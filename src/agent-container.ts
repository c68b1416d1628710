/** What Docker is asked to create for Seawall's own containers of the agent image. */
import { HOST_PATH, OWN } from './cluster.ts';
import { LABEL } from './labels.ts';

export interface OwnContainer {
  /** Image id of the agent image on that host. */
  readonly image: string;
  /** Cluster id. */
  readonly cluster: string;
  /** Further labels, such as `seawall.config`. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * The host's iptables is the legacy variant, whose programs share a lock file: the agent has to share it too. The
   * file is there as soon as dockerd has written a rule.
   */
  readonly sharesXtablesLock?: boolean;
  /** The link is WireGuard: the agent needs the host's private key, or the folder from which `seawall-link` reads. */
  readonly hasWireguard?: boolean;
}

/** Folders that must exist before the containers are made: root, mode 0700 (the edge's 0711). */
export const OWN_FOLDERS = {
  /** Snapshots of the agent; the server reads them. */
  agent: HOST_PATH.agentState,
  /** Snapshots of the server. */
  server: `${HOST_PATH.state}/server`,
  catalog: HOST_PATH.catalogData,
  link: HOST_PATH.link,
  edge: HOST_PATH.edge,
} as const;

const MIB = 1024 * 1024;
const SECOND_NS = 1_000_000_000;

/** `POST /containers/create?name=seawall-agent`: registrar, private network and host rules, edge loop. */
export function agentContainerBody(own: OwnContainer): ReturnType<typeof body> {
  return body(own, {
    kind: OWN.agent.replace('seawall-', ''),
    program: 'agent',
    // NET_RAW: iptables-legacy speaks to the kernel over a raw socket.
    caps: ['NET_ADMIN', 'NET_RAW'],
    binds: [
      // It writes the catalog's new place into the cluster file when this host was away while it moved.
      `${HOST_PATH.config}:${HOST_PATH.config}`,
      '/var/run/docker.sock:/var/run/docker.sock',
      `${OWN_FOLDERS.agent}:${OWN_FOLDERS.agent}`,
      `${OWN_FOLDERS.edge}:${OWN_FOLDERS.edge}`,
      ...(own.hasWireguard === true ? [`${OWN_FOLDERS.link}:${OWN_FOLDERS.link}`] : []),
      ...(own.sharesXtablesLock === true ? ['/run/xtables.lock:/run/xtables.lock'] : []),
    ],
  });
}

/** `POST /containers/create?name=seawall-server`: names (DNS), and the embedded catalog on the host that has it. */
export function serverContainerBody(own: OwnContainer): ReturnType<typeof body> {
  return body(own, {
    kind: OWN.server.replace('seawall-', ''),
    program: 'server',
    caps: ['NET_BIND_SERVICE'],
    binds: [
      `${HOST_PATH.config}:${HOST_PATH.config}:ro`,
      `${OWN_FOLDERS.agent}:${OWN_FOLDERS.agent}:ro`,
      `${OWN_FOLDERS.server}:${OWN_FOLDERS.server}`,
      `${OWN_FOLDERS.catalog}:${OWN_FOLDERS.catalog}`,
    ],
  });
}

/** `POST /containers/create?name=seawall-link`: WireGuard in user space, where the kernel has none. */
export function linkContainerBody(own: OwnContainer): ReturnType<typeof body> {
  return body(own, {
    kind: OWN.linkProgram.replace('seawall-', ''),
    program: 'link',
    caps: ['NET_ADMIN'],
    binds: [`${OWN_FOLDERS.link}:${OWN_FOLDERS.link}:ro`],
    devices: ['/dev/net/tun'],
    // 50 MB under a small load (measured); its buffers of 64 KiB packets grow with what is under way.
    memoryMib: 512,
  });
}

interface Program {
  readonly kind: string;
  readonly program: 'agent' | 'server' | 'link';
  readonly caps: readonly string[];
  readonly binds: readonly string[];
  /** Of the host, at the same place. */
  readonly devices?: readonly string[];
  /** Default 512: with 2,000 certificates the agent and the server that leads held 270 and 250 MB (measured). */
  readonly memoryMib?: number;
}

const wholeDevice = (path: string) => ({
  PathOnHost: path,
  PathInContainer: path,
  CgroupPermissions: 'rwm',
});

function body(own: OwnContainer, { kind, program, caps, binds, devices = [], memoryMib = 512 }: Program) {
  return {
    Image: own.image,
    Cmd: [program],
    // Without it a program that was not told to stop would be killed after 10 s; ours end in one.
    StopTimeout: 10,
    Healthcheck: {
      Test: ['CMD', ...healthCheck()],
      Interval: 15 * SECOND_NS,
      Timeout: 5 * SECOND_NS,
      StartPeriod: 20 * SECOND_NS,
      Retries: 3,
    },
    Labels: { ...own.labels, [LABEL.cluster]: own.cluster, [LABEL.kind]: kind },
    HostConfig: {
      NetworkMode: 'host',
      RestartPolicy: { Name: 'always' },
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: caps,
      SecurityOpt: ['no-new-privileges'],
      Tmpfs: { '/run': 'rw,noexec,nosuid,nodev,size=4m', '/tmp': 'rw,noexec,nosuid,nodev,size=16m' },
      Binds: binds,
      ...(devices.length === 0 ? {} : { Devices: devices.map(wholeDevice) }),
      Memory: memoryMib * MIB,
      // Without swap of its own: a leak ends in a restart, not in a slow host.
      MemorySwap: memoryMib * MIB,
      PidsLimit: 128,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
  };
}

/** Where a program says what is wrong with it; in the container's own memory. */
export const HEALTH_FILE = '/run/seawall-health';
/** A program writes every 5 s; one that has not for this long hangs. */
const OLDEST_SECONDS = 30;

/**
 * Docker's HEALTHCHECK of both programs. A shell reads the file, because starting Node for it took 0.2 s of CPU
 * every 15 s in each container. `$1` is the file, `$2` the oldest age in seconds.
 */
export const healthCheck = (path = HEALTH_FILE): readonly string[] => [
  'sh',
  '-c',
  `said=$(cat "$1") || exit 1
age=$(($(date +%s) - $(stat -c %Y "$1")))
[ "$age" -le "$2" ] || said="no sign of life for $age s"
[ -z "$said" ] || { echo "$said"; exit 1; }`,
  'sh',
  path,
  `${OLDEST_SECONDS}`,
];
