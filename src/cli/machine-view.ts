import type { HostFacts } from '../hosts/index.ts';
import type { Style } from '../style.ts';
import { megabytes } from './amounts.ts';
import { cut, printable, table } from './table.ts';

/** One line of `seawall machine ls`, and one element of its JSON. Fields are null where nothing is known. */
export interface MachineRow {
  readonly host: string;
  readonly address: string;
  readonly roles: readonly string[];
  /** Docker's version. */
  readonly engine: string | null;
  /** Such as `linux/amd64`. */
  readonly platform: string | null;
  /** `running`, `healthy`, `unhealthy`, Docker's state when it does not run, `none` before the set-up. */
  readonly agent: string | null;
  readonly edge: string | null;
  /** `none` (one host), `vxlan`, `wireguard`; null before the set-up. */
  readonly link: string | null;
  readonly cluster: string | null;
  readonly diskFreeBytes: number | null;
  readonly diskTotalBytes: number | null;
  /** The host's clock minus this machine's. */
  readonly clockSkewMs: number | null;
  readonly clockUncertaintyMs: number | null;
  /** Why nothing is known. */
  readonly problem: string | null;
}

interface Machine {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
}

/** What is shown of a host that answered. */
export function machineRow({ name, address, roles }: Machine, facts: HostFacts): MachineRow {
  const { own, cluster, disk, clock } = facts;
  return {
    host: name,
    address,
    roles: cluster?.host.roles ?? roles,
    engine: facts.engine,
    platform: facts.platform,
    agent: stateOf(own.agent),
    edge: stateOf(own.edge),
    link: cluster?.link ?? null,
    cluster: cluster?.id ?? null,
    diskFreeBytes: disk?.freeBytes ?? null,
    diskTotalBytes: disk?.totalBytes ?? null,
    clockSkewMs: clock?.skewMs ?? null,
    clockUncertaintyMs: clock?.uncertaintyMs ?? null,
    problem: null,
  };
}

/** What is shown of one that did not. */
export function lostMachineRow({ name, address, roles }: Machine, problem: string): MachineRow {
  return {
    ...{
      host: name,
      address,
      roles,
      engine: null,
      platform: null,
      agent: null,
      edge: null,
      link: null,
      cluster: null,
    },
    ...{ diskFreeBytes: null, diskTotalBytes: null, clockSkewMs: null, clockUncertaintyMs: null, problem },
  };
}

function stateOf(own: HostFacts['own']['agent']): string {
  if (own === undefined) return 'none';
  return own.state === 'running' ? (own.health ?? 'running') : own.state;
}

/** Below these a host is in trouble soon: images need room, leases and logs need clocks that agree. */
const LITTLE_DISK_BYTES = 2e9;
const MUCH_SKEW_MS = 1000;

/** The table for people. Ends with a newline. */
export function viewMachines(rows: readonly MachineRow[], style: Style): string {
  const heading = ['HOST', 'ROLE', 'ADDRESS', 'ENGINE', 'AGENT', 'EDGE', 'LINK', 'DISK FREE', 'CLOCK'];
  const known = rows.map((row) => [
    style('bold', row.host),
    row.roles.join(','),
    row.address,
    row.engine ?? '',
    partText(row.agent, style),
    row.roles.includes('edge') ? partText(row.edge, style) : '',
    row.link ?? '',
    diskText(row, style),
    clockText(row, style),
  ]);
  const lost = rows.filter(({ problem }) => problem !== null);
  const trouble = lost.map(
    ({ host, problem }) =>
      `${style('red', '✘')} ${style('bold', host)}: ${cut(printable(problem ?? ''), 200)}\n`,
  );
  const fresh = rows.some(({ agent }) => agent === 'none') ? 'Not set up yet: seawall machine setup\n' : '';
  return `${table([heading.map((text) => style('dim', text)), ...known])}\n${trouble.join('')}${fresh}`;
}

function partText(state: string | null, style: Style): string {
  if (state === null) return '';
  const isWell = state === 'healthy' || state === 'running';
  return style(isWell ? 'green' : state === 'starting' || state === 'none' ? 'yellow' : 'red', state);
}

function diskText({ diskFreeBytes: free, diskTotalBytes: total }: MachineRow, style: Style): string {
  if (free === null || total === null) return '';
  const text = `${megabytes(free)} of ${megabytes(total)}`;
  return free < LITTLE_DISK_BYTES ? style('red', text) : text;
}

/** A skew within what the measurement can tell is none. */
function clockText({ clockSkewMs: skew, clockUncertaintyMs: uncertainty }: MachineRow, style: Style): string {
  if (skew === null) return '';
  const size = Math.abs(skew);
  if (size <= (uncertainty ?? 0)) return 'same';
  const text = `${skew > 0 ? '+' : '-'}${size < 1000 ? `${Math.round(size)} ms` : `${(size / 1000).toFixed(1)} s`}`;
  return size > MUCH_SKEW_MS ? style('red', text) : text;
}
