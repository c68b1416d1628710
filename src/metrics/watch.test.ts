import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, startTestCatalog, type TestCatalog, testCertificate } from '../../test/test-catalog.ts';
import { type Instance, KEY, META } from '../catalog/record.ts';
import { pack } from '../packed.ts';
import { seal } from '../secrets/index.ts';
import { readCluster } from './read.ts';
import { samplesOf } from './samples.ts';
import { watchMetrics } from './serve.ts';

const clusterKey = randomBytes(32).toString('base64');
const secret = 'swordfish-in-the-environment';

const put = (catalog: TestCatalog, key: string, value: unknown) =>
  catalog.client.kvPut(key, typeof value === 'string' ? value : JSON.stringify(value));

const alive = (clock = new Date().toISOString()) => ({
  ...{ version: '0.1.0', docker: '28.5.1', clock, link: {} },
  disk: { totalBytes: 10, freeBytes: 5 },
});

/** One host with a certificate, a release, a private CA and a service; everything secret is sealed or a chain. */
async function fill(catalog: TestCatalog): Promise<void> {
  const { certificate, privateKey } = await testCertificate();
  const services = {
    web: { name: 'web', kind: 'replica', replicas: 3, container: { env: [secret] } },
    migrate: { name: 'migrate', kind: 'task', replicas: 1 },
    everywhere: { name: 'everywhere', kind: 'replica', replicas: 1, isGlobal: true },
  };
  const release = KEY.release('shop', 2);
  const sealed = seal(clusterKey, pack(JSON.stringify({ services })), release);
  const record = { project: 'shop', number: 2, status: 'good', sealed };
  await put(catalog, KEY.host('constructor'), { name: 'constructor', roles: ['app', 'edge'] });
  await put(catalog, KEY.alive('constructor'), alive());
  await put(catalog, release, record);
  await put(catalog, KEY.release('shop', 3), { ...record, number: 3, status: 'failed' });
  await put(catalog, KEY.wish('shop'), [{ id: 'a.example.com', names: ['a.example.com'], source: 'acme' }]);
  await put(catalog, KEY.liveCertificate('a.example.com'), {
    ...{
      id: 'a.example.com',
      names: ['a.example.com'],
      source: 'acme',
      issuer: 'letsencrypt',
      isInterim: false,
    },
    keys: [{ type: 'ecdsa', chain: certificate, key: privateKey, fingerprint: 'f', serial: '01' }],
    ...{ notBefore: '2026-11-01T00:00:00.000Z', notAfter: '2027-02-01T00:00:00.000Z' },
  });
  await put(catalog, KEY.certificateState('a.example.com'), {
    id: 'a.example.com',
    failures: 2,
    warnings: [],
  });
  await put(catalog, KEY.authority, {
    ...{ version: 1, name: 'Test', permitted: [] },
    root: { certificate, key: privateKey },
    intermediate: { certificate, key: privateKey },
  });
  await put(catalog, KEY.subnet('constructor'), {
    host: 'constructor',
    blocks: { 1: { project: 'shop', network: 'default', internal: false } },
  });
  await put(catalog, KEY.revocationList, 'bGlzdA==');
  await put(catalog, KEY.traffic('shop', 'constructor'), { rollout: 'r', requests: 7, failed: 1 });
  await put(catalog, KEY.rollout('shop'), { id: 'r', project: 'shop', ended: true });
  await catalog.client.register({
    node: 'constructor',
    nodeAddress: '10.208.16.1',
    service: {
      ...{ id: 'constructor:shop-web-1:80', name: 'shop-web', address: '10.208.17.2', port: 80, tags: [] },
      meta: { [META.project]: 'shop', [META.service]: 'web', [META.container]: 'c1' },
    },
  });
}

const readNextUpdate = async () => new Date('2026-12-08T00:00:00Z');

test('the catalog is read at once, and nothing sealed, no key and no environment is in the samples', async (t) => {
  const catalog = await startTestCatalog(t);
  await fill(catalog);
  const { signal } = new AbortController();
  const { view, index } = await readCluster({ client: catalog.client, clusterKey, readNextUpdate, signal });
  const own = { version: '0.1.0', node: '24.0.0', isCatalogUp: true, index };
  const samples = samplesOf(view, own, Date.now());
  const has = (name: string, labels: object, value: number) =>
    assert.ok(
      samples.some(
        (one) =>
          one.name === name && one.value === value && JSON.stringify(one.labels) === JSON.stringify(labels),
      ),
      `${name} ${JSON.stringify(labels)} ${value}`,
    );
  has('seawall_host_up', { host: 'constructor' }, 1);
  has('seawall_edge_up', { edge: 'constructor' }, 0);
  has('seawall_certificate_failures', { certificate: 'a.example.com' }, 2);
  has('seawall_certificate_not_after_timestamp_seconds', { certificate: 'a.example.com' }, 1_801_440_000);
  has('seawall_service_replicas', { project: 'shop', service: 'web', state: 'healthy' }, 1);
  has('seawall_service_replicas_wanted', { project: 'shop', service: 'web' }, 3);
  has('seawall_release_number', { project: 'shop' }, 2);
  has('seawall_rollout_failed_requests', { project: 'shop', edge: 'constructor' }, 1);
  has('seawall_ca_crl_next_update_timestamp_seconds', {}, Date.parse('2026-12-08T00:00:00Z') / 1000);
  const wanted = samples.filter(({ name }) => name === 'seawall_service_replicas_wanted');
  assert.equal(wanted.length, 1, 'neither tasks nor what is on every host');
  const text = JSON.stringify([view, samples]);
  for (const hidden of [secret, 'PRIVATE KEY', 'BEGIN CERTIFICATE', 'sw1.'])
    assert.ok(!text.includes(hidden), hidden);
});

test('what cannot be read is said with its reason, and the rest is read', async (t) => {
  const catalog = await startTestCatalog(t);
  await fill(catalog);
  await put(catalog, KEY.alive('other'), 'no JSON');
  const { signal } = new AbortController();
  const other = randomBytes(32).toString('base64');
  const { client } = catalog;
  const { view, failures } = await readCluster({ client, clusterKey: other, readNextUpdate, signal });
  assert.match(failures.releases ?? '', /cannot be unsealed/);
  assert.match(failures.alives ?? '', /does not hold JSON/);
  assert.deepEqual(Object.keys(failures).length, 2);
  assert.equal(view.live?.length, 1);
  await catalog.stop();
  await assert.rejects(readCluster({ client, clusterKey, readNextUpdate, signal }), { code: 'unreachable' });
});

interface Watched {
  readonly scrape: () => Promise<string>;
  readonly lines: string[];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function watched(t: TestContext, catalog: TestCatalog, key = clusterKey): Promise<Watched> {
  const ending = new AbortController();
  const lines: string[] = [];
  const port = await freePort();
  const snapshots = await mkdtemp(join(tmpdir(), 'seawall-metrics-'));
  await writeFile(join(snapshots, '0000000001-0000000000000042.snapshot'), '');
  const instances: readonly Instance[] = [];
  const done = watchMetrics({
    cluster: {
      ...{ key, host: { name: 'constructor' } },
      metrics: { listen: [{ address: '127.0.0.1', port }], from: [] },
    },
    ...{ client: catalog.client, version: '0.1.0', snapshots, readNextUpdate, signal: ending.signal },
    problems: new Map([['names', '']]),
    place: () => ({ host: 'constructor', epoch: 1 }),
    instances: () => instances,
    log: (line) => lines.push(line),
  });
  t.after(async () => {
    ending.abort();
    await done;
    await rm(snapshots, { recursive: true });
  });
  const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text().catch(() => '');
  await eventually('it listens', () => scrape().catch(() => undefined));
  return { scrape, lines };
}

test('a scrape follows the catalog, goes on while it is away and fills again', async (t) => {
  const catalog = await startTestCatalog(t);
  await fill(catalog);
  const { scrape } = await watched(t, catalog);
  const full = await eventually('the cluster is heard', async () => {
    const text = await scrape();
    return text.includes('seawall_certificate_failures{certificate="a.example.com"} 2') && text;
  });
  assert.match(full, /^seawall_catalog_up 1$/m);
  assert.match(full, /^seawall_catalog_snapshot_index\{host="constructor"\} 42$/m);
  assert.match(full, /^seawall_host_last_seen_timestamp_seconds\{host="constructor"\} \d/m);
  assert.doesNotMatch(full, /^seawall_host_clock_offset_seconds/m, 'it lay there already');
  await put(catalog, KEY.alive('constructor'), alive(new Date(Date.now() + 90_000).toISOString()));
  const skewed = await eventually('a fresh sign of life is heard', async () => {
    const text = await scrape();
    return /^seawall_host_clock_offset_seconds\{host="constructor"\} (\S+)$/m.exec(text)?.[1];
  });
  assert.ok(Math.abs(Number(skewed) - 90) < 30, skewed);
  await catalog.stop();
  const away = await eventually('it is told that the catalog is away', async () => {
    const text = await scrape();
    return text.includes('seawall_catalog_up 0') && text;
  });
  assert.doesNotMatch(away, /seawall_certificate_|seawall_host_up/);
  await catalog.start();
  await eventually('it fills again', async () => {
    const text = await scrape();
    return text.includes('seawall_catalog_up 1') && text.includes('seawall_certificate_failures');
  });
});

test('a part that cannot be read is said once, and the others are served', async (t) => {
  const catalog = await startTestCatalog(t);
  await fill(catalog);
  const { scrape, lines } = await watched(t, catalog, randomBytes(32).toString('base64'));
  const text = await eventually('the rest is there', async () => {
    const seen = await scrape();
    return seen.includes('seawall_host_up{') && seen.includes('{part="releases"} 0') && seen;
  });
  assert.doesNotMatch(text, /seawall_release_number/);
  assert.match(text, /^seawall_metrics_part_up\{part="releases"\} 0$/m);
  assert.match(text, /^seawall_metrics_part_up\{part="hosts"\} 1$/m);
  assert.equal(lines.filter((line) => line.includes('metrics: releases')).length, 1);
});
