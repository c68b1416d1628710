import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CatalogClient, clearDraining, markDraining, parseEntry } from '../../src/catalog/index.ts';
import { type Acknowledgement, KEY, type TrafficRecord } from '../../src/catalog/record.ts';
import { percentile } from '../../src/histogram.ts';
import { EdgeLoopStage, makeEdgeLoopParts } from './edge-loop-stage.ts';
import { route, startUpstream, type Upstream, until } from './edge-nginx.ts';

const clusterKey = Buffer.alloc(32, 1).toString('base64');

class LoopUnderTest extends EdgeLoopStage {
  protected options() {
    return { clusterKey };
  }

  get client(): CatalogClient {
    return this.parts.catalog.client;
  }

  async drain(upstream: Upstream): Promise<void> {
    const found = (await this.client.serviceInstances('polls-web')).value.find((instance) =>
      upstream.address.endsWith(`:${instance.port}`),
    );
    assert.ok(found);
    await markDraining(this.client, found, 'test');
  }

  async ack(): Promise<Acknowledgement | undefined> {
    const { value } = await this.client.kvGet(KEY.edgeAck('front'));
    return value === undefined ? undefined : parseEntry<Acknowledgement>(value);
  }

  acknowledged(what: string, holds: (ack: Acknowledgement) => boolean): Promise<Acknowledgement> {
    return until(what, async () => {
      const ack = await this.ack();
      return ack !== undefined && holds(ack) && ack;
    });
  }

  inForce(...upstreams: Upstream[]): Promise<Acknowledgement> {
    const wanted = upstreams.map(({ address }) => address).toSorted();
    return this.acknowledged(`in force: ${wanted.join(' ') || 'nobody'}`, (ack) => {
      return JSON.stringify(ack.services['polls-web']) === JSON.stringify(wanted);
    });
  }
}

async function setUp(t: TestContext) {
  const parts = await makeEdgeLoopParts(t);
  const under = new LoopUnderTest(parts);
  await under.open();
  return { under, catalog: parts.catalog, edge: parts.edge };
}

function fetchPath(port: number, path: string, agent: Agent | false = false, method = 'GET') {
  return new Promise<{ status: number; replica: string }>((resolve, reject) => {
    const headers = { host: 'polls.test' };
    const call = request(
      { host: '127.0.0.1', port, path, headers, agent, method, timeout: 10_000 },
      (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, replica: String(response.headers['x-replica']) }),
        );
      },
    );
    call.on('error', reject);
    call.on('timeout', () => call.destroy(new Error('slower than 10 s')));
    call.end(method === 'POST' ? 'body' : undefined);
  });
}

const replica = (name: string, status = 200, delayMs = 0): Promise<Upstream> =>
  startUpstream((incoming, response) => {
    response.setHeader('x-replica', name);
    response.statusCode = status;
    incoming.resume();
    incoming.on('end', () => setTimeout(() => response.end(name), incoming.url === '/slow' ? delayMs : 0));
  });

/** Three versions one after the other under load. @returns what clients got. */
async function threeSwaps(t: TestContext, mayEnd: (under: LoopUnderTest, old: string) => Promise<unknown>) {
  const { under, edge } = await setUp(t);
  const hash = await under.publish([route()]);
  let serving = await replica('v0', 200, 1_000);
  await under.register(serving);
  assert.equal((await under.inForce(serving)).routes.polls, hash);
  const load = startLoad(edge.port);
  for (const version of ['v1', 'v2', 'v3']) {
    const next = await replica(version, 200, 1_000);
    await under.register(next);
    await under.inForce(serving, next);
    await under.drain(serving);
    await mayEnd(under, serving.address);
    // Without any grace: whatever is still under way is lost.
    await serving.close();
    serving = next;
  }
  const outcome = await load.stop();
  await serving.close();
  t.diagnostic(`${outcome.answered} requests over 3 swaps, ${outcome.failures.length} failed`);
  return outcome;
}

/** 32 clients, kept and fresh connections, GET and POST, some answers a second late. */
function startLoad(port: number) {
  const failures: string[] = [];
  let answered = 0;
  let isOver = false;
  const agent = new Agent({ keepAlive: true, maxSockets: 24 });
  const clients = Array.from({ length: 32 }, async (_, index) => {
    const path = index % 8 === 1 ? '/slow' : '/';
    const method = index % 3 === 0 ? 'POST' : 'GET';
    while (!isOver) {
      try {
        const answer = await fetchPath(port, path, index % 4 === 0 ? false : agent, method);
        if (answer.status === 200) answered += 1;
        else failures.push(`${answer.status} of ${answer.replica}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  const stop = async () => {
    isOver = true;
    await Promise.all(clients);
    agent.destroy();
    return { answered, failures };
  };
  return { stop };
}

test('replicas come and go by the acknowledged swap under load, and no request is lost', async (t) => {
  const { answered, failures } = await threeSwaps(t, (under, old) =>
    under.acknowledged(`${old} has no requests`, (ack) => {
      const isOut = ack.services['polls-web']?.includes(old) === false;
      return isOut && (ack.lingering[old]?.requests ?? 0) === 0;
    }),
  );
  assert.deepEqual(failures, []);
  assert.ok(answered > 300, `${answered} answered`);
});

test('the same without waiting for the acknowledgement loses requests: the load would notice', async (t) => {
  const { failures } = await threeSwaps(t, async () => undefined);
  assert.ok(failures.length > 0);
});

test('a restart of the loop, with the catalog or without it, is not seen', async (t) => {
  const { under, catalog, edge } = await setUp(t);
  await under.publish([route()]);
  const one = await replica('one');
  t.after(() => one.close());
  await under.register(one);
  const before = await under.inForce(one);
  await under.stop();
  await catalog.stop();
  under.start();
  await until('the loop confirmed nginx', () => under.loop?.status?.generation === before.generation);
  assert.equal((await fetchPath(edge.port, '/')).replica, 'one');
  await catalog.start();
  const two = await replica('two');
  t.after(() => two.close());
  await until('the catalog answers', () =>
    under.register(two).then(
      () => true,
      () => false,
    ),
  );
  const after = await under.inForce(one, two);
  assert.equal(after.generation, before.generation + 1);
});

test('a catalog that comes back empty takes nothing away, one that lost a project does', async (t) => {
  const { under, edge } = await setUp(t);
  await under.publish([route()]);
  const one = await replica('one');
  t.after(() => one.close());
  await under.register(one);
  const before = await under.inForce(one);
  await under.client.kvDelete('seawall/cluster');
  await under.client.kvDelete(KEY.route('polls'));
  await under.client.kvPut(KEY.host('front'), '{}');
  await under.stop();
  under.start();
  await until('the loop confirmed nginx', () => under.loop?.status?.generation === before.generation);
  assert.equal((await fetchPath(edge.port, '/')).replica, 'one');
  await under.client.kvPut(KEY.cluster, '{}');
  await under.acknowledged('the routes are gone', (ack) => ack.routes.polls === undefined);
  await assert.rejects(fetchPath(edge.port, '/'));
});

test('a project of which a route cannot be served is told so, and the others are served', async (t) => {
  const { under, edge } = await setUp(t);
  const hostile = route({ project: 'other', domain: 'x.test; } server { listen 81' });
  await under.client.kvPut(KEY.route('other'), JSON.stringify([hostile]));
  const hash = await under.publish([route()]);
  const one = await replica('one');
  t.after(() => one.close());
  await under.register(one);
  const ack = await under.inForce(one);
  assert.deepEqual(ack.routes, { polls: hash });
  assert.match(ack.problems['route 1'] ?? '', /"other": the domain is no host name/);
  assert.equal((await fetchPath(edge.port, '/')).replica, 'one');
});

test('a replica that is healthy but answers this edge with 500 gets nothing, and the acknowledgement says why', async (t) => {
  const { under } = await setUp(t);
  await under.publish([route()]);
  const [good, bad] = [await replica('good'), await replica('bad', 500)];
  t.after(() => Promise.all([good.close(), bad.close()]));
  const meta = ({ address }: Upstream) => ({
    'seawall-probe': JSON.stringify({ kind: 'http', path: '/', port: Number(address.split(':')[1]) }),
  });
  await under.register(good, { meta: meta(good) });
  await under.register(bad, { meta: meta(bad) });
  const ack = await under.acknowledged('the reason', (candidate) =>
    /answered 500/.test(candidate.problems[bad.address] ?? ''),
  );
  assert.deepEqual((await under.inForce(good)).services, { 'polls-web': [good.address] });
  assert.ok(ack);
});

test('a dead replica leaves the configuration, all of them dead stay, and an announced end answers 503', async (t) => {
  const { under, edge } = await setUp(t);
  await under.publish([route()]);
  const [one, two] = [await replica('one'), await replica('two')];
  t.after(() => one.close().catch(() => undefined));
  await under.register(one);
  await under.register(two);
  await under.inForce(one, two);
  await two.close();
  await under.inForce(one);
  await under.drain(one);
  await under.drain(two);
  await under.inForce();
  assert.equal((await fetchPath(edge.port, '/')).status, 503);
  const [instance] = (await under.client.serviceInstances('polls-web')).value.filter(({ port }) =>
    one.address.endsWith(`:${port}`),
  );
  assert.ok(instance);
  await clearDraining(under.client, instance);
  await under.inForce(one);
  assert.equal((await fetchPath(edge.port, '/')).status, 200);
});

test('nginx killed and started again serves what is in force without being told', async (t) => {
  const { under, edge } = await setUp(t);
  await under.publish([route()]);
  const one = await replica('one');
  t.after(() => one.close());
  await under.register(one);
  const { generation } = await under.inForce(one);
  await edge.docker.restartContainer(edge.container, 0);
  await until('it serves', () =>
    fetchPath(edge.port, '/').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  assert.equal(await edge.control.running(), generation);
  const two = await replica('two');
  t.after(() => two.close());
  await under.register(two);
  await under.inForce(one, two);
});

test('the requests of a rollout are counted to the last one', async (t) => {
  const { under, edge } = await setUp(t);
  await under.publish([route(), route({ path: '/gone', catalogService: 'polls-gone' })]);
  const one = await replica('one');
  t.after(() => one.close());
  await under.register(one);
  await under.inForce(one);
  await fetchPath(edge.port, '/');
  // What was before the rollout is in the file, and does not count.
  await until('the log is flushed', () =>
    stat(join(edge.folder, 'logs', 'access.log')).then(({ size }) => size > 0),
  );
  const rollout = {
    id: 'r1',
    project: 'polls',
    domains: ['polls.test'],
    startedAt: '',
    ended: false,
    away: ['polls-gone'],
  };
  await under.client.kvPut(KEY.rollout('polls'), JSON.stringify(rollout));
  await until('the edge counts', () =>
    stat(join(under.parts.state, 'traffic.json')).then(
      () => true,
      () => false,
    ),
  );
  for (let index = 0; index < 40; index += 1)
    await fetchPath(edge.port, '/', false, index % 2 === 0 ? 'POST' : 'GET');
  for (let index = 0; index < 3; index += 1) assert.equal((await fetchPath(edge.port, '/gone')).status, 503);
  await under.client.kvPut(KEY.rollout('polls'), JSON.stringify({ ...rollout, ended: true }));
  const record = await until('the count is complete', async () => {
    const { value } = await under.client.kvGet(KEY.traffic('polls', 'front'));
    return value !== undefined && parseEntry<TrafficRecord>(value);
  });
  const { rollout: id, complete, requests, failed, away, histogram } = record;
  assert.deepEqual(
    { id, complete, requests, failed, away },
    { id: 'r1', complete: true, requests: 43, failed: 3, away: 3 },
  );
  assert.ok(percentile(histogram, 0.99) < 5_000);
});
