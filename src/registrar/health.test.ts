import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ContainerInfo } from '../hosts/index.ts';
import {
  afterInspect,
  afterProbe,
  beginHealth,
  type Check,
  type Finding,
  type Health,
  oneLine,
  verdictOf,
} from './health.ts';

type State = ContainerInfo['State'];

const start = Date.parse('2026-01-01T00:00:00Z');

function container(state: Partial<State> = {}): ContainerInfo {
  const running = { Status: 'running', ExitCode: 0, OOMKilled: false, StartedAt: '2026-01-01T00:00:00Z' };
  return { State: { ...running, ...state } } as ContainerInfo;
}
const dockerSays = (Status: 'starting' | 'healthy' | 'unhealthy', Output = ''): ContainerInfo =>
  container({ Health: { Status, FailingStreak: 0, Log: [{ Start: '', End: '', ExitCode: 0, Output }] } });

const http: Check = {
  kind: 'http',
  address: '10.0.0.2',
  port: 80,
  path: '/',
  accept: 'below-500',
  inARow: 3,
  intervalMs: 5000,
  timeoutMs: 5000,
};
const tcp: Check = { kind: 'tcp', address: '10.0.0.2', port: 80, intervalMs: 5000, timeoutMs: 5000 };
const docker: Check = { kind: 'docker', argv: ['true'], timeoutMs: 30_000 };

/** Lets findings come one after another, each when it is due; tells statuses and the waits before the next. */
function run(
  check: Check,
  health: Health,
  findings: string,
): { statuses: string; waits: number[]; health: Health } {
  const statuses: string[] = [];
  const waits: number[] = [];
  let now = start;
  let current = health;
  for (const letter of findings) {
    now = current.dueMs ?? now;
    const status = letter === 'g' ? 'passing' : letter === 'w' ? 'warning' : 'critical';
    const finding: Finding = { status, text: letter === 'b' ? 'refused' : 'fine', tookMs: 0 };
    current = afterProbe(check, current, finding, now);
    statuses.push(current.status[0] ?? '');
    waits.push((current.dueMs ?? Number.NaN) - now);
  }
  return { statuses: statuses.join(''), waits, health: current };
}

test('HTTP: a replica is well after three good answers in a row, asked soon again after each', () => {
  const { statuses, waits } = run(http, beginHealth(http, container(), start), 'bbggbbbbbbbggg');
  assert.equal(statuses, 'cccccccccccccp');
  assert.deepEqual(waits, [25, 50, 250, 250, 25, 50, 100, 200, 400, 800, 1000, 250, 250, 5000]);
});

test('HTTP: one or two failures of a replica that was well change nothing, the third takes it out', () => {
  const well = run(http, beginHealth(http, container(), start), 'ggg').health;
  assert.equal(run(http, well, 'bbgbb').statuses, 'ppppp');
  const { statuses, waits, health } = run(http, well, 'bbb');
  assert.equal(statuses, 'ppc');
  assert.deepEqual(waits, [1000, 1000, 100]);
  assert.equal(health.output, 'refused');
});

test('TCP: the first connection is enough, tried ever less often up to once a second', () => {
  const { statuses, waits } = run(tcp, beginHealth(tcp, container(), start), 'bbbbbbbbbbbbg');
  assert.equal(statuses, 'ccccccccccccp');
  assert.deepEqual(waits, [25, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000, 5000]);
});

test('a container that never becomes well is asked at its ordinary interval in the end', () => {
  const { waits } = run(http, beginHealth(http, container(), start), 'b'.repeat(400));
  assert.equal(waits.at(-1), 5000);
});

test('a slow probe does not make the next one later', () => {
  const { health } = run(http, beginHealth(http, container(), start), 'b'.repeat(6));
  const after = afterProbe(http, health, { status: 'critical', text: 'late', tookMs: 700 }, start);
  assert.equal(after.dueMs, start + 300);
  const slower = afterProbe(http, health, { status: 'critical', text: 'late', tookMs: 5000 }, start);
  assert.equal(slower.dueMs, start + 100);
});

test('HEALTHCHECK: the first success of the registrar counts while Docker still waits, then Docker decides', () => {
  const starting = dockerSays('starting');
  let health = beginHealth(docker, starting, start);
  assert.deepEqual([health.status, health.dueMs], ['critical', start]);
  health = run(docker, health, 'bbg').health;
  assert.deepEqual([health.status, health.dueMs], ['passing', undefined]);
  health = afterInspect(docker, health, starting, start);
  assert.deepEqual([health.status, health.dueMs], ['passing', undefined]);
  health = afterInspect(docker, health, dockerSays('unhealthy', 'no database\n'), start);
  assert.deepEqual([health.status, health.output, health.dueMs], ['critical', 'no database', undefined]);
  health = afterInspect(docker, health, dockerSays('healthy'), start);
  assert.equal(health.status, 'passing');
});

test('without a check a container is well once it has run for the monitor time since its own start', () => {
  const check: Check = { kind: 'running', monitorMs: 5000 };
  assert.equal(beginHealth(check, container(), start + 2000).dueMs, start + 5000);
  const old = beginHealth(check, container(), start + 60_000);
  assert.equal(old.dueMs, start + 60_000);
  assert.deepEqual(run(check, old, 'g').statuses, 'p');
});

test('a restart begins anew, also when the container was well before', () => {
  const well = run(tcp, beginHealth(tcp, container(), start), 'g').health;
  const again = afterInspect(tcp, well, container({ StartedAt: '2026-01-01T00:00:09Z' }), start + 9000);
  assert.deepEqual([again.status, again.output, again.dueMs], ['critical', 'starting', start + 9000]);
});

test('after a crash the catalog goes on saying how it ended', () => {
  const running = beginHealth(tcp, container(), start);
  const ended = afterInspect(tcp, running, container({ Status: 'restarting', ExitCode: 3 }), start);
  const again = afterInspect(tcp, ended, container({ StartedAt: '2026-01-01T00:00:09Z' }), start);
  assert.deepEqual([again.status, again.output], ['critical', 'starting again, exited with 3 before']);
});

test('a registrar that was restarted goes on from what the catalog says of the same start', () => {
  const health = beginHealth(http, container(), start, { status: 'passing', output: 'fine' });
  assert.equal(health.status, 'passing');
  assert.equal(run(http, health, 'bb').statuses, 'pp');
  const unhealthy = beginHealth(docker, dockerSays('unhealthy'), start, { status: 'passing', output: '' });
  assert.equal(unhealthy.status, 'critical');
});

test('SERVICE_CHECK_HTTP: a warning is told as a warning', () => {
  const consul: Check = { ...http, accept: 'consul', inARow: 1 };
  assert.equal(run(consul, beginHealth(consul, container(), start), 'bgwg').statuses, 'cpwp');
});

test('paused and restarting are not well whatever the probes said, and what has ended says nothing', () => {
  const well = run(tcp, beginHealth(tcp, container(), start), 'g').health;
  assert.equal(verdictOf(well, container())?.status, 'passing');
  assert.deepEqual(verdictOf(well, container({ Status: 'paused' })), {
    status: 'critical',
    output: 'paused',
  });
  assert.deepEqual(verdictOf(well, container({ Status: 'restarting', ExitCode: 137, OOMKilled: true })), {
    status: 'critical',
    output: 'restarting: exited with 137, out of memory',
  });
  for (const Status of ['created', 'exited', 'dead', 'removing'] as const) {
    assert.equal(verdictOf(well, container({ Status })), undefined);
  }
});

test('whatever is found, a critical check is asked again within its interval and nothing is asked without rest', () => {
  fc.assert(
    fc.property(fc.constantFrom(http, tcp), fc.stringMatching(/^[gbw]{1,60}$/), (check, findings) => {
      for (const waitMs of run(check, beginHealth(check, container(), start), findings).waits) {
        assert.ok(waitMs >= 25 && waitMs <= 5000);
      }
    }),
  );
});

test('what an app prints stands in one line without control characters', () => {
  assert.equal(oneLine('a\n b\u001b[31m\u0000c\u202e'), 'a b·[31m·c·');
  assert.ok(oneLine('x'.repeat(9999)).length <= 400);
});
