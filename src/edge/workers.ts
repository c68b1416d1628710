/**
 * Run as `sh -c` in the edge container. Prints the container's nginx workers, the sockets of those that are shutting down,
 * and their lines of the host's TCP table. Sockets are listed before the table is read: one that opens in between
 * shows up as a client without upstream, which errs to the safe side.
 */
export const workersScript = `{
  for dir in /proc/[0-9]*; do
    title=$(tr '\\0' ' ' 2>/dev/null <"$dir/cmdline") || continue
    case "$title" in "nginx: worker"*) ;; *) continue ;; esac
    read -r stat 2>/dev/null <"$dir/stat" || continue
    echo "process \${dir#/proc/} $title"
    echo "stat \${stat##*) }"
    case "$title" in
      *"shutting down"*)
        sed -n 's/^Pss: *\\([0-9]*\\) kB/pss \\1/p' "$dir/smaps_rollup" 2>/dev/null
        ls -l "$dir/fd" 2>/dev/null | sed -n 's/.*-> socket:\\[\\([0-9]*\\)\\].*/socket \\1/p' ;;
    esac
  done
  echo table
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
  echo end
} | awk '
  table && $1 != "end" { if ($10 in mine) print $2, $3, $4, $10; next }
  $1 == "socket" { mine[$2] = 1 }
  $1 == "table" { table = 1 }
  { print }
'`;

/** An nginx worker and what it holds. */
export interface Worker {
  /** Process id and start time: never given twice during the life of the container's host. */
  readonly id: string;
  readonly pid: number;
  readonly isShuttingDown: boolean;
  /** Bytes of memory; of those that are shutting down their share of it (proc(5), Pss), of the others all that is resident. */
  readonly memoryBytes: number;
  /** Connections of clients that may still send a request or wait for an answer. */
  readonly clients: number;
  /** Of `clients`: connections that may carry several requests at a time (HTTP/2), or are not seen as sockets (HTTP/3). */
  readonly multiplexed: number;
  /** Connections to replicas by address (`10.208.17.2:8000`). */
  readonly upstream: Readonly<Record<string, { readonly requests: number; readonly upgraded: number }>>;
}

export interface SocketRules {
  /** Local ports on which clients arrive. */
  readonly listenPorts: readonly number[];
  /** Those of `listenPorts` on which clients may speak HTTP/2. */
  readonly multiplexedPorts?: readonly number[];
  /** HTTP/3 is served: its connections share one UDP socket, so a worker that is shutting down may always have one. */
  readonly hasHttp3?: boolean;
  /** Local address of upgraded connections to replicas. */
  readonly upgradedSource?: string;
}

interface TcpSocket {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remote: string;
  readonly state: string;
}

const pageBytes = 4096;
/** `/proc/net/tcp` states (Linux, include/net/tcp_states.h): nginx has shut its side down, the answer is complete. */
const finishedStates = new Set(['04', '05', '06', '09', '0B']);

/** Reads what {@link workersScript} printed. @returns undefined when the output is not whole. */
export function parseWorkers(output: string, rules: SocketRules): readonly Worker[] | undefined {
  const lines = output.split('\n');
  const tableStart = lines.indexOf('table');
  if (tableStart < 0 || !lines.includes('end', tableStart)) return undefined;
  const sockets = new Map<string, TcpSocket>();
  for (const line of lines.slice(tableStart + 1)) {
    const [local, remote, state, inode] = line.split(' ');
    if (local === undefined || remote === undefined || state === undefined || inode === undefined) continue;
    const place = parseAddress(local);
    const other = parseAddress(remote);
    if (place === undefined || other === undefined) continue;
    sockets.set(inode, {
      localAddress: place.address,
      localPort: place.port,
      remote: joinAddress(other.address, other.port),
      state,
    });
  }
  const workers: Worker[] = [];
  let inodes: string[] = [];
  let current:
    | { readonly pid: number; readonly title: string; stat: readonly string[]; pss?: number }
    | undefined;
  const finish = () => {
    if (current?.title.startsWith('nginx: worker') === true)
      workers.push(foldWorker(current, inodes, sockets, rules));
  };
  for (const line of lines.slice(0, tableStart)) {
    const [kind = '', first = ''] = line.split(' ', 2);
    if (kind === 'process') {
      finish();
      current = { pid: Number(first), title: line.slice(kind.length + first.length + 2), stat: [] };
      inodes = [];
    } else if (kind === 'stat' && current !== undefined) current.stat = line.split(' ').slice(1);
    else if (kind === 'pss' && current !== undefined) current.pss = Number(first) * 1024;
    else if (kind === 'socket') inodes.push(first);
  }
  finish();
  return workers;
}

function foldWorker(
  process: {
    readonly pid: number;
    readonly title: string;
    readonly stat: readonly string[];
    readonly pss?: number;
  },
  inodes: readonly string[],
  sockets: ReadonlyMap<string, TcpSocket>,
  rules: SocketRules,
): Worker {
  const isShuttingDown = process.title.includes('shutting down');
  const unseen = isShuttingDown && rules.hasHttp3 === true ? 1 : 0;
  let clients = unseen;
  let multiplexed = unseen;
  const upstream: Record<string, { requests: number; upgraded: number }> = {};
  for (const inode of inodes) {
    const socket = sockets.get(inode);
    if (socket === undefined || finishedStates.has(socket.state)) continue;
    if (rules.listenPorts.includes(socket.localPort)) {
      clients += 1;
      if (rules.multiplexedPorts?.includes(socket.localPort) === true) multiplexed += 1;
      continue;
    }
    const count = upstream[socket.remote] ?? { requests: 0, upgraded: 0 };
    upstream[socket.remote] = count;
    if (socket.localAddress === rules.upgradedSource) count.upgraded += 1;
    else count.requests += 1;
  }
  return {
    // proc(5): `stat` holds starttime as field 22 and rss as field 24; the first two were cut off by the script.
    id: `${process.pid}:${process.stat[19] ?? ''}`,
    pid: process.pid,
    isShuttingDown,
    memoryBytes: process.pss ?? Number(process.stat[21] ?? 0) * pageBytes,
    clients,
    multiplexed,
    upstream,
  };
}

/** Connections that are no upgraded ones and may hold or bring a request. */
export function plainConnections(worker: Worker): number {
  const upgraded = Object.values(worker.upstream).reduce((sum, count) => sum + count.upgraded, 0);
  return Math.max(0, worker.clients - upgraded);
}

/** `0100007F:1F90`, or 32 hex digits in groups of four bytes: each group is in the machine's (little-endian) order. */
function parseAddress(hex: string): { readonly address: string; readonly port: number } | undefined {
  const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(hex);
  if (match === null) return undefined;
  const bytes = (match[1] ?? '').match(/.{8}/g)?.flatMap((group) => {
    return [6, 4, 2, 0].map((at) => Number.parseInt(group.slice(at, at + 2), 16));
  });
  const port = Number.parseInt(match[2] ?? '', 16);
  if (bytes?.length === 4) return { address: bytes.join('.'), port };
  if (bytes?.length !== 16) return undefined;
  if (bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255')
    return { address: bytes.slice(12).join('.'), port };
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return { address: groups.join(':'), port };
}

const joinAddress = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
