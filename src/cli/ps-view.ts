import type { Desired } from '../compose/desired.ts';
import type { Style } from '../style.ts';
import { age } from './amounts.ts';
import { cut, printable, table } from './table.ts';

/** A container of the project as its host's Docker lists it. */
export interface ContainerRow {
  readonly id: string;
  readonly container: string;
  readonly host: string;
  readonly kind: 'replica' | 'task' | 'oneoff';
  readonly service: string;
  readonly replica: number;
  readonly release: number;
  /** Docker's. */
  readonly state: string;
  /** Docker's words for people. */
  readonly status: string;
  /** ISO time. */
  readonly createdAt: string;
  readonly address: string | null;
}

export interface CatalogState {
  readonly status: 'passing' | 'warning' | 'critical';
  readonly draining: boolean;
  /** What the check said last. */
  readonly output: string;
}

/** A replica as the catalog remembers it. */
export interface CatalogReplica extends CatalogState {
  /** Container id. */
  readonly id: string;
  readonly container: string;
  readonly host: string;
  readonly service: string;
  readonly replica: number;
  readonly release: number;
  readonly address: string;
}

/** One line of `seawall ps`, and one element of `replicas` of `seawall ps --json`. */
export interface ReplicaRow {
  readonly service: string;
  /** 0 for tasks and one-off containers. */
  readonly replica: number;
  readonly kind: ContainerRow['kind'];
  /**
   * `healthy`, `unhealthy`, `starting`, `draining`; `running` when nothing checks its health; Docker's state when it
   * does not run; `unknown` when its host does not answer; `missing`.
   */
  readonly state: string;
  /** Why it is not well; null when it is, or nothing is known. */
  readonly detail: string | null;
  readonly host: string | null;
  readonly release: number | null;
  /** ISO time of the container's creation. */
  readonly since: string | null;
  readonly address: string | null;
  readonly container: string | null;
}

/** Replicas that the files ask for, in the order of the listing. */
export function expectedReplicas(desired: Desired): { service: string; replica: number }[] {
  return (
    Object.values(desired.services)
      // How many hosts may run a global service is not said here.
      .filter(({ kind, isGlobal }) => kind === 'replica' && !isGlobal)
      .flatMap(({ name, replicas }) =>
        Array.from({ length: replicas }, (_, at) => ({ service: name, replica: at + 1 })),
      )
  );
}

/**
 * Containers with what the catalog says of them, what it remembers of hosts that did not answer, and what is missing. By
 * service, replica, host.
 */
export function mergeRows(
  containers: readonly ContainerRow[],
  catalog: readonly CatalogReplica[] | undefined,
  expected: readonly { readonly service: string; readonly replica: number }[],
  lostHosts: readonly string[] = [],
): ReplicaRow[] {
  const states = catalog && new Map(catalog.map((replica) => [replica.id, replica]));
  const lost = [...(states?.values() ?? [])].filter(({ host }) => lostHosts.includes(host));
  const known = containers.map((container) => rowOf(container, states?.get(container.id)));
  const rows = [...known, ...lost.map(lostRow)];
  const isThere = (service: string, replica: number) =>
    rows.some((row) => row.service === service && row.replica === replica);
  const missing = expected
    .filter(({ service, replica }) => !isThere(service, replica))
    .map(
      ({ service, replica }): ReplicaRow => ({
        ...{ service, replica, kind: 'replica', state: 'missing', detail: null },
        ...{ host: null, release: null, since: null, address: null, container: null },
      }),
    );
  return [...rows, ...missing].sort(
    (a, b) => compare(a.service, b.service) || a.replica - b.replica || compare(a.host ?? '', b.host ?? ''),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function rowOf(container: ContainerRow, catalog: CatalogState | undefined): ReplicaRow {
  const { service, replica, kind, host, release, createdAt, address } = container;
  const state = stateOf(container, catalog);
  const output = catalog?.output.trim() ?? '';
  const detail = state === 'unhealthy' && output !== '' ? output : isStopped(state) ? container.status : null;
  return {
    service,
    replica,
    kind,
    state,
    detail,
    host,
    release,
    since: createdAt,
    address,
    container: container.container,
  };
}

function lostRow({ service, replica, host, release, address, container }: CatalogReplica): ReplicaRow {
  return {
    ...{ service, replica, kind: 'replica', state: 'unknown', detail: 'host does not answer' },
    ...{ host, release, since: null, address, container },
  };
}

function stateOf({ state, status }: ContainerRow, catalog: CatalogState | undefined): string {
  if (state !== 'running') return state;
  // What passed its health command once gets requests, though Docker itself waits for its next interval to say so.
  if (status.includes('(health: starting)') && catalog?.status !== 'passing') return 'starting';
  if (catalog?.draining) return 'draining';
  if (catalog?.status === 'critical' || status.includes('(unhealthy)')) return 'unhealthy';
  return catalog !== undefined || status.includes('(healthy)') ? 'healthy' : 'running';
}

const isStopped = (state: string): boolean =>
  ['exited', 'dead', 'created', 'restarting', 'paused'].includes(state);

const LONGEST_DETAIL = 120;

/** The table for people, with hosts that did not answer below. Ends with a newline. */
export function viewRows(
  rows: readonly ReplicaRow[],
  unreachable: readonly { readonly host: string; readonly reason: string }[],
  now: number,
  style: Style,
): string {
  const heading = ['REPLICA', 'STATE', 'HOST', 'RELEASE', 'SINCE', 'ADDRESS'].map((text) =>
    style('dim', text),
  );
  const cells = rows.map((row) => [
    style('bold', nameOf(row)),
    stateText(row, style),
    row.host ?? '',
    row.release === null ? '' : String(row.release),
    row.since === null ? '' : age(now - Date.parse(row.since)),
    row.address ?? '',
  ]);
  const [head = '', ...lines] = table([heading, ...cells]).split('\n');
  const listed = lines.flatMap((line, at) => [line, ...detailLines(rows[at], style)]);
  const isNothing = rows.every(({ state }) => state === 'missing') && unreachable.length === 0;
  const listing = isNothing
    ? 'Nothing of the project runs: seawall deploy\n'
    : rows.length === 0
      ? ''
      : `${[head, ...listed].join('\n')}\n`;
  const away = unreachable.map(
    ({ host, reason }) => `${style('red', '✘')} ${style('bold', host)}: ${printable(reason)}\n`,
  );
  return `${listing}${away.join('')}`;
}

function nameOf({ service, replica, kind }: ReplicaRow): string {
  return kind === 'replica' ? `${service}-${replica}` : `${service} (${kind === 'task' ? 'task' : 'run'})`;
}

function stateText({ state, detail }: ReplicaRow, style: Style): string {
  if (state === 'unknown') return style('red', `unknown: ${detail ?? ''}`);
  const isWell = state === 'healthy' || state === 'running';
  return style(isWell ? 'green' : state === 'starting' || state === 'draining' ? 'yellow' : 'red', state);
}

function detailLines(row: ReplicaRow | undefined, style: Style): string[] {
  return row?.detail && row.state !== 'unknown'
    ? [style('dim', `  └ ${cut(printable(row.detail), LONGEST_DETAIL)}`)]
    : [];
}
