import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { type CatalogClient, watchKeys } from '../catalog/index.ts';
import { type Acknowledgement, KEY } from '../catalog/record.ts';
import type { DesiredCertificate } from '../compose/desired.ts';
import { sha256 } from '../hash.ts';
import { unpackValue } from '../packed.ts';
import type { PublishedRoute } from '../plan/index.ts';
import { readWishes } from './certificates/wishes.ts';
import type { RolloutContext } from './context.ts';
import { publish } from './routes.ts';

const secret = '{"chain":"c","key":"hidden"}';

const certificate = (name: string): DesiredCertificate => ({
  ...{ id: name, names: [name], source: 'files', issuers: [], challenge: 'http', keys: ['ecdsa'] },
  files: sha256(secret),
});

const route = (domain: string): PublishedRoute => ({
  ...{ domain, path: '/', catalogService: 'polls-web', port: 80, bodyLimitBytes: 0, connectTimeoutMs: 1 },
  ...{ readTimeoutMs: 1, sendTimeoutMs: 1, upstreamKeepaliveMs: 1 },
  tls: { certificate: domain, redirect: true, hsts: 'off' },
});

const project = 'polls';

function contextWith(client: CatalogClient, signal: AbortSignal): RolloutContext {
  const context = {
    desired: { project, certificateSecrets: { [sha256(secret)]: secret } },
    cluster: { key: randomBytes(32).toString('base64') },
    hosts: [{ name: 'front', roles: ['edge'] }],
    client,
    signal,
  };
  return context as unknown as RolloutContext;
}

/** An edge that serves at once what it is told; notes which certificates are wished for when it does. */
function startEdge(client: CatalogClient, signal: AbortSignal): string[] {
  const seen: string[] = [];
  const serve = async (text: string | undefined): Promise<void> => {
    const wishes = await readWishes(client, project, signal);
    seen.push(wishes.map(({ id }) => id).join(' '));
    const ack: Partial<Acknowledgement> = {
      routes: text === undefined ? {} : { [project]: sha256(unpackValue(text)) },
      services: {},
      problems: {},
    };
    await client.kvPut(KEY.edgeAck('front'), JSON.stringify(ack), { signal });
  };
  void watchKeys(client, KEY.route(project), ([entry]) => void serve(entry?.value).catch(() => {}), {
    signal,
  });
  return seen;
}

test('a certificate is wished for before a route needs it, and until no edge serves one with it', async (t) => {
  const { client } = await startTestCatalog(t);
  const end = new AbortController();
  t.after(() => end.abort());
  const seen = startEdge(client, end.signal);
  const context = contextWith(client, end.signal);
  const ids = async () => (await readWishes(client, project, end.signal)).map(({ id }) => id);
  const note = () => {};
  await publish(context, [route('a.example')], [certificate('a.example')], note);
  assert.deepEqual(await ids(), ['a.example']);
  await publish(context, [route('b.example')], [certificate('b.example')], note);
  assert.deepEqual(await ids(), ['b.example']);
  await publish(context, [], [], note);
  assert.deepEqual(await ids(), []);
  assert.equal((await client.kvGet(KEY.wish(project))).value, undefined);
  // Whether its first look came before or after the first write does not matter.
  assert.deepEqual(seen.slice(-3), ['a.example', 'b.example a.example', 'b.example']);
});

test('nothing secret of a certificate stands in the catalog in clear', async (t) => {
  const { client } = await startTestCatalog(t);
  const end = new AbortController();
  t.after(() => end.abort());
  startEdge(client, end.signal);
  await publish(contextWith(client, end.signal), [route('a.example')], [certificate('a.example')], () => {});
  const { value } = await client.kvList('seawall/');
  assert.ok(value.some(({ key }) => key === KEY.wish(project)));
  for (const entry of value) assert.doesNotMatch(entry.value, /hidden/);
});

test('5,000 routes and their certificates fit into the catalog', async (t) => {
  const { client } = await startTestCatalog(t);
  const end = new AbortController();
  t.after(() => end.abort());
  startEdge(client, end.signal);
  const names = Array.from({ length: 5000 }, (_, at) => `shop-${at}.customers.example.com`);
  const context = contextWith(client, end.signal);
  await publish(context, names.map(route), names.map(certificate), () => {});
  const wishes = await readWishes(client, project, end.signal);
  assert.deepEqual(
    wishes.map(({ id }) => id),
    names,
  );
});
