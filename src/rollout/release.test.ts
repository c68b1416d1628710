import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { project, service } from '../../test/plan-samples.ts';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { parseEntry } from '../catalog/index.ts';
import { KEY, type ReleaseRecord } from '../catalog/record.ts';
import type { Desired, DesiredCertificate, DesiredRoute } from '../compose/desired.ts';
import { seal } from '../secrets/index.ts';
import { beginRelease, lastGood, openRelease, releasesToForget } from './release.ts';

const release = (number: number, status: ReleaseRecord['status']): ReleaseRecord => ({
  project: 'polls',
  number,
  createdAt: '2026-01-01T00:00:00Z',
  who: 'ann',
  status,
  images: {},
  tasks: [],
  note: '',
  sealed: '',
});

test('the last good release is what a failed one returns to, whatever failed in between', () => {
  const releases = [release(1, 'good'), release(2, 'good'), release(3, 'failed'), release(4, 'pending')];
  assert.equal(lastGood(releases, 4)?.number, 2);
  assert.equal(lastGood([release(1, 'failed')]), undefined);
});

test('only what is older than the good releases to keep is forgotten, never the one in force', () => {
  const releases = [1, 2, 3, 4, 5, 6, 7].map((number) => release(number, number === 5 ? 'failed' : 'good'));
  assert.deepEqual(
    releasesToForget(releases, 3, 7).map((each) => each.number),
    [1, 2, 3],
  );
  assert.deepEqual(
    releasesToForget(releases, 3, 2).map((each) => each.number),
    [1, 3],
  );
  assert.deepEqual(releasesToForget([release(1, 'good')], 0, 1), []);
});

const cluster = { key: Buffer.alloc(32, 7).toString('base64') };
const signal = AbortSignal.timeout(60_000);
const facts = { images: {}, who: 'ann', note: 'deploy', now: new Date() };

const routeOf = (domain: string): DesiredRoute => ({
  ...{ domain, path: '/', catalogService: 'polls-web', service: 'web', port: 8000 },
  ...{ bodyLimitBytes: 1_048_576, connectTimeoutMs: 2000, readTimeoutMs: 60_000, sendTimeoutMs: 60_000 },
  upstreamKeepaliveMs: 1000,
  tls: {
    certificate: domain,
    redirect: true,
    hsts: { maxAgeSeconds: 15_552_000, subdomains: false, preload: false },
  },
});

const certificateOf = (name: string): DesiredCertificate => ({
  ...{ id: name, names: [name], source: 'acme', challenge: 'http', keys: ['ecdsa'] },
  issuers: [
    {
      name: 'letsencrypt',
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
      email: 'ops@example.com',
    },
  ],
});

function withDomains(count: number): Desired {
  const domains = Array.from({ length: count }, (_, at) => `shop-${at}.customers.example.com`);
  return {
    ...project(service('web')),
    routes: domains.map(routeOf),
    certificates: domains.map(certificateOf),
  };
}

test('a release with 5,000 domains fits into the catalog, and comes back as it was', async (t) => {
  const { client } = await startTestCatalog(t);
  const desired = withDomains(5000);
  await beginRelease(client, cluster, desired, facts, signal);
  const { value } = await client.kvGet(KEY.release(desired.project, 1));
  assert.ok(value);
  assert.deepEqual(openRelease(cluster, parseEntry<ReleaseRecord>(value)), desired);
});

test('a release that was sealed before releases were packed opens', () => {
  const desired = withDomains(1);
  const sealed = seal(cluster.key, JSON.stringify(desired), KEY.release('polls', 1));
  assert.deepEqual(openRelease(cluster, { ...release(1, 'good'), sealed }), desired);
});

test('a release that is too large also when it is packed is refused in words', async (t) => {
  const { client } = await startTestCatalog(t);
  const noise = randomBytes(600 * 1024).toString('base64');
  const desired = { ...withDomains(1), certificateSecrets: { noise } };
  await assert.rejects(beginRelease(client, cluster, desired, facts, signal), {
    code: 'refused',
    message: `${KEY.release(desired.project, 1)} is larger than the catalog takes (512 KiB)`,
  });
});
