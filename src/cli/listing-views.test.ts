import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import { styleFor } from '../style.ts';
import type { LogEntry } from './log-source.ts';
import { logPrinter } from './log-view.ts';
import { lostMachineRow, type MachineRow, viewMachines } from './machine-view.ts';
import { type CatalogReplica, type ContainerRow, mergeRows, viewRows } from './ps-view.ts';

const plain = styleFor(false);
const now = Date.parse('2026-01-31T12:00:00Z');

const container = (
  service: string,
  replica: number,
  host: string,
  more: Partial<ContainerRow> = {},
): ContainerRow => ({
  ...{
    id: `${service}${replica}${host}`,
    container: `polls-${service}-${replica}-ab`,
    host,
    kind: 'replica',
    service,
    replica,
  },
  ...{
    release: 12,
    state: 'running',
    status: 'Up 3 minutes',
    createdAt: '2026-01-31T11:57:00Z',
    address: '10.208.17.2',
  },
  ...more,
});

const known = (id: string, more: Partial<CatalogReplica> = {}): CatalogReplica => ({
  ...{ id, container: 'polls-web-5-ab', host: 'app1', service: 'web', replica: 5, release: 12 },
  ...{ address: '10.208.49.2', status: 'passing', draining: false, output: '' },
  ...more,
});

test('ps shows every replica with its health, what is missing, and hosts that do not answer', () => {
  const rows = mergeRows(
    [
      container('web', 1, 'app1'),
      container('web', 2, 'app2', { release: 11, createdAt: '2026-01-29T11:57:00Z' }),
      container('web', 3, 'app1', { status: 'Up 2 seconds (health: starting)' }),
      container('db', 1, 'app1', { status: 'Up 3 minutes (healthy)' }),
      container('worker', 1, 'app2', {
        state: 'restarting',
        status: 'Restarting (1) 3 seconds ago',
        address: null,
      }),
      container('web', 0, 'app1', { kind: 'oneoff' }),
    ],
    [
      known('web1app1', {
        status: 'critical',
        output: 'GET http://10.208.17.2:8000/ answered 500: <!doctype html><title>Server Error</title>',
      }),
      known('web2app2', { draining: true }),
      known('web3app1', { status: 'critical' }),
      known('db1app1'),
      known('web5app3', { host: 'app3' }),
    ],
    [1, 2, 3, 4, 5].map((replica) => ({ service: 'web', replica })),
    ['app3'],
  );
  const lost = [{ host: 'app3', reason: 'ssh: connect to host 203.0.113.13 port 22: Connection timed out' }];
  assertGolden('cli/ps.txt', viewRows(rows, lost, now, plain));
});

test('a replica that gets requests is healthy, though Docker waits for its next interval to say so', () => {
  const web = container('web', 1, 'app1', { status: 'Up 2 seconds (health: starting)' });
  const stateWith = (catalog: readonly CatalogReplica[] | undefined) =>
    mergeRows([web], catalog, [])[0]?.state;
  assert.equal(stateWith([known('web1app1')]), 'healthy');
  assert.equal(stateWith([known('web1app1', { draining: true })]), 'draining');
  assert.equal(stateWith([known('web1app1', { status: 'critical' })]), 'starting');
  assert.equal(stateWith(undefined), 'starting');
});

test('a replica that no health check watches is called running, not healthy', () => {
  assert.equal(mergeRows([container('worker', 1, 'app1')], undefined, [])[0]?.state, 'running');
});

test('machine ls shows what is known of each host, and marks trouble', () => {
  const row: MachineRow = {
    ...{
      host: 'app1',
      address: '172.16.0.11',
      roles: ['app'],
      engine: '28.5.2',
      platform: 'linux/amd64',
      agent: 'healthy',
    },
    ...{ edge: 'none', link: 'vxlan', cluster: 'c1', diskFreeBytes: 77.4e9, diskTotalBytes: 270e9 },
    ...{ clockSkewMs: 3, clockUncertaintyMs: 20, problem: null },
  };
  const rows: MachineRow[] = [
    row,
    { ...row, host: 'front', roles: ['edge'], edge: 'exited', diskFreeBytes: 900e6, clockSkewMs: -2345 },
    lostMachineRow({ name: 'app2', address: '172.16.0.12', roles: ['app'] }, 'ssh: Connection refused'),
  ];
  assertGolden('cli/machine-ls.txt', viewMachines(rows, plain));
});

const entry: LogEntry = {
  time: '2026-01-31T12:00:00.000000001Z',
  host: 'app1',
  service: 'web',
  replica: 1,
  container: 'polls-web-1-ab',
  stream: 'stdout',
  line: 'GET / 200',
};

const TO_FILE = { colour: false, isTerminal: false };
const TO_SCREEN = { colour: true, isTerminal: true };

test('log lines stand in columns, one object per line with --json', () => {
  const show = logPrinter({ json: false, prefix: true, timestamps: false, ...TO_FILE });
  const lines = [
    show({ ...entry, service: 'worker', replica: 12 }),
    show(entry),
    show({ ...entry, replica: 0 }),
  ];
  assert.deepEqual(lines, [
    'worker-12 app1 | GET / 200\n',
    'web-1 app1     | GET / 200\n',
    'polls-web-1-ab app1 | GET / 200\n',
  ]);
  const json = logPrinter({ json: true, prefix: true, timestamps: false, ...TO_SCREEN });
  assert.deepEqual(JSON.parse(json(entry)), entry);
});

test('a log line may colour itself but not move the cursor or rename the window', () => {
  const show = logPrinter({ json: false, prefix: false, timestamps: false, ...TO_SCREEN });
  const hostile = '\u001b[31mred\u001b[2J\u001b[H\u001b]0;owned\u0007 end\r';
  assert.equal(show({ ...entry, line: hostile }), '\u001b[31mred end\u001b[0m\n');
  const asIs = logPrinter({ json: false, prefix: false, timestamps: false, ...TO_FILE });
  assert.equal(asIs({ ...entry, line: hostile }), `${hostile}\n`);
  const plainScreen = { json: false, prefix: false, timestamps: false, colour: false, isTerminal: true };
  assert.equal(logPrinter(plainScreen)({ ...entry, line: hostile }), 'red end\n');
});
