import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from '../hosts/index.ts';
import { Slots } from '../slots.ts';
import type { Entry } from './diff.ts';
import type { Prober } from './prober.ts';
import { WatchedContainer } from './watched.ts';

const file = new URL('../../test/golden/registrar/28.5-test-01.json', import.meta.url);
const byHand = JSON.parse(readFileSync(file, 'utf8')) as ContainerInfo;

/** Looks at a container once; tells what it claimed, in order. */
async function claimsOf(
  t: TestContext,
  { held, probeMs }: { readonly held?: Partial<Entry>; readonly probeMs: number },
): Promise<readonly string[]> {
  const claims: string[] = [];
  const run: Prober['run'] = async () => {
    await sleep(probeMs);
    return { status: 'passing', text: 'connected', tookMs: probeMs };
  };
  const watched = new WatchedContainer(byHand.Id, {
    docker: { inspectContainer: async () => byHand },
    host: { name: 'app1', privateAddress: '10.208.0.1' },
    writer: {
      claim: (_container, entries) => claims.push(entries.map(({ status }) => status).join()),
      held: () => held as Entry | undefined,
    },
    prober: { run } as Prober,
    inspections: new Slots(1),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    log: () => undefined,
  });
  t.after(() => watched.close());
  await watched.wake();
  const atOnce = claims.length;
  await sleep(probeMs + 200);
  return [...claims, `at once ${atOnce}`];
}

test('a new container that answers quickly is claimed once, with what its first probe found', async (t) => {
  assert.deepEqual(await claimsOf(t, { probeMs: 1 }), ['passing', 'at once 0']);
});

test('a new container that takes its time is claimed as starting meanwhile', async (t) => {
  assert.deepEqual(await claimsOf(t, { probeMs: 300 }), ['critical', 'passing', 'at once 0']);
});

test('what the catalog holds already is claimed at once, as the catalog has it', async (t) => {
  const held = {
    status: 'passing' as const,
    output: 'connected',
    meta: { 'seawall-container': byHand.Id, 'seawall-started': byHand.State.StartedAt },
  };
  assert.deepEqual(await claimsOf(t, { held, probeMs: 1 }), ['passing', 'passing', 'at once 1']);
});

test('a look that failed is still due', async (t) => {
  let failures = 1;
  const watched = new WatchedContainer(byHand.Id, {
    docker: {
      inspectContainer: async () => {
        failures -= 1;
        if (failures >= 0) throw new Error('Docker did not answer');
        return byHand;
      },
    },
    host: { name: 'app1', privateAddress: '10.208.0.1' },
    writer: { claim: () => undefined, held: () => undefined },
    prober: { run: async () => ({ status: 'passing', text: 'connected', tookMs: 1 }) } as unknown as Prober,
    inspections: new Slots(1),
    sha256: (text) => text,
    log: () => undefined,
  });
  t.after(() => watched.close());
  await watched.wake();
  assert.equal(watched.isStale, true);
  await watched.wake();
  assert.equal(watched.isStale, false);
});
