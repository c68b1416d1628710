import assert from 'node:assert/strict';
import { test } from 'node:test';
import { project, service } from '../../test/plan-samples.ts';
import type { RolloutContext } from './context.ts';
import { drain, type Leaving } from './drain.ts';

/** A rollout whose routes do not name `web` any more, with requests to it under way in a worker of before for some looks. */
function withLateRequests(looks: number): RolloutContext {
  let isDraining = false;
  const address = '10.208.16.130';
  const instance = {
    ...{ id: 'a', service: 'polls-web', host: 'app1', address, port: 8000, status: 'passing' },
    meta: { 'seawall-container': 'old', 'seawall-routes': '{"polls.example/":8000}' },
  };
  const acknowledgement = (isEdge: boolean): object => {
    const isBusy = isEdge && isDraining && looks-- > 0;
    return {
      ...{ generation: 2, routes: {}, problems: {}, services: isDraining ? {} : { 'polls-web': [address] } },
      lingering: isBusy ? { [`${address}:8000`]: { requests: 3, upgraded: 12 } } : {},
    };
  };
  const client = {
    serviceInstances: async () => ({ index: 1, value: [instance] }),
    kvList: async (prefix: string) => {
      await new Promise((done) => setTimeout(done, 1));
      if (!prefix.startsWith('seawall/ack/')) return { index: 1, value: [] };
      const value = JSON.stringify(acknowledgement(prefix.includes('edge')));
      return { index: 1, value: [{ key: `${prefix}app1`, value }] };
    },
    register: async () => {
      isDraining = true;
    },
  };
  return {
    ...{ desired: project(service('app')), client, absent: [], signal: new AbortController().signal },
    ...{ hosts: [{ name: 'app1', roles: ['app', 'edge'] }] },
    drains: { replicas: 0, longestMs: 0, socketsCut: 0 },
  } as unknown as RolloutContext;
}

test('a replica whose route was taken away is not stopped before its last requests have ended', async () => {
  const context = withLateRequests(4);
  const notes: string[] = [];
  const old = { id: 'old', name: 'old', host: 'app1', replica: 1 };
  const leaving = {
    ...{ serviceName: 'web', host: { name: 'app1' }, old, rule: { drainMs: 30_000, stopGraceMs: 10_000 } },
  } as unknown as Leaving;
  await drain(context, leaving, (text) => notes.push(text));
  assert.ok(notes.includes('draining: 3 requests and 12 upgraded connections under way'), notes.join('; '));
  assert.equal(context.drains.socketsCut, 0);
});
