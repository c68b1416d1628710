import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import { actualOf, host, planFor, project } from '../../test/plan-samples.ts';
import type { Desired, DesiredCertificate, DesiredRoute, RouteTls } from '../compose/desired.ts';
import type { Actual } from './actual.ts';
import { viewPlan } from './view.ts';

const letsencrypt = {
  name: 'letsencrypt',
  directory: 'https://le.example/d',
  staging: 'https://le.example/s',
};

const certificate = (name: string, more: Partial<DesiredCertificate> = {}): DesiredCertificate => ({
  ...{ id: name.replace('*', '_wildcard'), names: [name], source: 'acme', issuers: [letsencrypt] },
  ...{ challenge: 'http', keys: ['ecdsa'] },
  ...more,
});

const hsts = { maxAgeSeconds: 15_552_000, subdomains: false, preload: false };
const https = (id: string, more: Partial<RouteTls> = {}): RouteTls => ({
  ...{ certificate: id, redirect: true, hsts },
  ...more,
});

const route = (domain: string, tls: DesiredRoute['tls'], more: Partial<DesiredRoute> = {}): DesiredRoute => ({
  ...{ domain, path: '/', catalogService: 'polls-web', port: 8000, tls, bodyLimitBytes: 0 },
  ...{ connectTimeoutMs: 1, readTimeoutMs: 1, sendTimeoutMs: 1, upstreamKeepaliveMs: 1 },
  ...more,
});

const desired = (routes: readonly DesiredRoute[], certificates: readonly DesiredCertificate[]): Desired => ({
  ...project(),
  ...{ routes, certificates },
});

const served = (before: Pick<Desired, 'routes' | 'certificates'>): Actual => ({
  ...actualOf(host('app1')),
  routes: before.routes.map(({ service: _service, ...rest }) => rest),
  ...(before.certificates === undefined ? {} : { certificates: before.certificates }),
});

const none = { routes: [] };

const cases: Record<string, { before: Pick<Desired, 'routes' | 'certificates'>; after: Desired }> = {
  'https-new': {
    before: none,
    after: desired(
      [
        route('app.localhost', https('app.localhost')),
        route('given.example.com', https('given.example.com')),
        route('plain.example.com', 'off'),
        route('polls.example.com', https('polls.example.com')),
        route('wild.example.com', https('_wildcard.example.com')),
      ],
      [
        certificate('*.example.com', {
          challenge: 'dns',
          dns: 'aa',
          names: ['*.example.com', 'example.com'],
        }),
        certificate('app.localhost', { source: 'internal', issuers: [] }),
        certificate('given.example.com', { source: 'files', issuers: [], files: 'ff' }),
        certificate('polls.example.com'),
      ],
    ),
  },
  'https-changed': {
    before: {
      routes: [
        route('a.example.com', 'off'),
        route('b.example.com', https('b.example.com')),
        route('c.example.com', https('c.example.com')),
      ],
      certificates: [
        certificate('b.example.com', { challenge: 'dns', dns: 'secret1' }),
        certificate('c.example.com', { source: 'files', issuers: [], files: 'secret2' }),
        certificate('gone.example.com'),
      ],
    },
    after: desired(
      [
        route('a.example.com', https('a.example.com'), { upstreamTls: { trust: 'internal' } }),
        route('b.example.com', https('b.example.com', { redirect: false, hsts: 'off', clientCa: 'PEM' })),
        route('c.example.com', 'off'),
      ],
      [
        certificate('a.example.com'),
        certificate('b.example.com', {
          names: ['b.example.com', 'www.b.example.com'],
          issuers: [
            { ...letsencrypt, email: 'ops@example.com', binding: 'secret3' },
            { name: 'other', directory: 'https://o.example/d' },
          ],
          challenge: 'dns',
          dns: 'secret4',
          keys: ['ecdsa', 'rsa'],
        }),
        certificate('c.example.com', { source: 'files', issuers: [], files: 'secret5' }),
      ],
    ),
  },
};

for (const [name, { before, after }] of Object.entries(cases)) {
  test(`HTTPS in a plan is shown as in test/golden/plan/${name}.txt, and never by a secret or its hash`, () => {
    const plan = planFor(after, served(before));
    assert.doesNotMatch(JSON.stringify(plan), /secret/);
    assertGolden(`plan/${name}.txt`, viewPlan(plan, { colour: false }));
  });
}

test('what is served as wanted is no change, also for a release of before HTTPS', () => {
  const now = desired([route('a.example.com', https('a.example.com'))], [certificate('a.example.com')]);
  assert.deepEqual(planFor(now, served(now)).changes, []);
  const { certificates: _none, ...old } = desired([route('a.example.com', 'off')], []);
  assert.deepEqual(planFor(old, served(old)).changes, []);
  const back = planFor(old, served(now));
  assert.deepEqual(
    back.changes.map(({ kind }) => kind),
    ['change-route', 'remove-certificate'],
  );
  assert.deepEqual(
    back.steps.map(({ kind }) => kind),
    ['publish-routes'],
  );
});
