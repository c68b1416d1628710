import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleRoute, sampleSettings, sampleTls } from '../../test/edge-samples.ts';
import type { RouteRecord } from '../catalog/record.ts';
import { edgeModel } from './model.ts';
import { coversDomain, hstsHeader, type ServedCertificate, type TlsState } from './tls-plan.ts';

const rule = { maxAgeSeconds: 15_552_000, subdomains: false, preload: false };
const since = '2026-11-01T00:00:00.000Z';
const publicly = { source: 'acme', isInterim: false, publicSince: since } as const;
const at = (time: string): number => Date.parse(time);

test('HSTS waits for a day of public certificates and never comes with a private one', () => {
  assert.equal(hstsHeader(rule, publicly, at('2026-11-02T00:00:00.000Z')), undefined);
  assert.equal(hstsHeader(rule, publicly, at('2026-11-02T00:00:00.001Z')), 'max-age=15552000');
  const late = at('2027-01-01T00:00:00.000Z');
  assert.equal(hstsHeader(rule, { ...publicly, isInterim: true }, late), undefined);
  assert.equal(hstsHeader(rule, { ...publicly, source: 'internal' }, late), undefined);
  assert.equal(hstsHeader(rule, { source: 'files', isInterim: false }, late), undefined);
  assert.equal(hstsHeader(rule, { ...publicly, publicSince: 'yesterday' }, late), undefined);
  const all = { maxAgeSeconds: 1, subdomains: true, preload: true };
  assert.equal(hstsHeader(all, publicly, late), 'max-age=1; includeSubDomains; preload');
});

test('a wildcard is good for one label and for itself', () => {
  const names = ['*.example.com', 'other.test'];
  for (const domain of ['a.example.com', '*.example.com', 'other.test'])
    assert.ok(coversDomain(names, domain));
  for (const domain of ['example.com', 'a.b.example.com', '*.b.example.com', '*.other.test', 'test'])
    assert.ok(!coversDomain(names, domain), domain);
});

const certificate: ServedCertificate = {
  id: 'polls.example.com',
  names: ['polls.example.com'],
  keys: [{ type: 'ecdsa', fingerprint: 'f'.repeat(32) }],
  source: 'acme',
  isInterim: false,
};
const state = (change: Partial<TlsState> = {}): TlsState => ({
  certificates: new Map([[certificate.id, certificate]]),
  trust: new Map([['A', 'a.pem']]),
  lists: new Map(),
  own: new Set(),
  nowMs: 0,
  ...change,
});
const modelOf = (routes: readonly RouteRecord[], with_: TlsState = state()) =>
  edgeModel(routes, new Map(), sampleSettings, with_);

test('routes of one domain that do not agree are served by the strictest, and the others are told', () => {
  const { model, problems } = modelOf([
    sampleRoute({ project: 'a' }),
    sampleRoute({ project: 'b', path: '/b', tls: sampleTls() }),
    sampleRoute({ project: 'c', path: '/c', tls: sampleTls({ clientCa: 'A', redirect: false }) }),
    sampleRoute({ project: 'd', path: '/d', tls: sampleTls({ clientCa: 'B' }) }),
  ]);
  const [server] = model.servers;
  assert.equal(server?.tls?.clientCa, 'a.pem');
  assert.equal(server?.tls?.redirect, true);
  assert.deepEqual(
    server?.routes.map(({ project }) => project),
    ['b', 'c', 'a'],
  );
  assert.deepEqual(
    problems.map(({ project }) => project),
    ['a', 'b', 'd'],
  );
});

test('a certificate for other names is not served, and the route is told', () => {
  const { model, problems } = modelOf([sampleRoute({ domain: 'other.test', tls: sampleTls() })]);
  assert.deepEqual(model.servers[0]?.tls?.certificates, []);
  assert.match(problems[0]?.text ?? '', /certificate polls\.example\.com is for polls\.example\.com/);
});

test('a certificate that is not there yet is no problem of the route', () => {
  const { model, problems } = modelOf(
    [sampleRoute({ tls: sampleTls() })],
    state({ certificates: new Map() }),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(model.servers[0]?.tls?.certificates, []);
});

test('whatever a route says of client certificates, it is never served without them', () => {
  fc.assert(
    fc.property(
      fc.record({ clientCa: fc.constantFrom('A', 'broken'), redirect: fc.boolean() }),
      fc.boolean(),
      (change, isThere) => {
        const certificates = isThere ? state().certificates : new Map<string, ServedCertificate>();
        const routes = [sampleRoute({ tls: sampleTls(change) })];
        const [server] = modelOf(routes, state({ certificates })).model.servers;
        assert.equal(server?.tls?.redirect, true);
        if ((server?.tls?.certificates.length ?? 0) > 0) assert.equal(server?.tls?.clientCa, 'a.pem');
      },
    ),
  );
});

test('where revocation lists are to be looked at, nobody is let in without them', () => {
  const trust = new Map([
    ['internal', 'r.pem'],
    ['ROOT', 'r.pem'],
    ['A', 'a.pem'],
  ]);
  const own = new Set(['internal', 'ROOT']);
  const shownWith = (change: Parameters<typeof sampleTls>[0], lists: TlsState['lists']) => {
    const routes = [sampleRoute({ tls: sampleTls(change) })];
    const { model, problems } = modelOf(routes, state({ trust, own, lists }));
    const tls = model.servers[0]?.tls;
    return [tls?.certificates.length, tls?.clientCrl, problems.length];
  };
  const lists = new Map([
    ['internal', 'l.pem'],
    ['GIVEN', 'g.pem'],
  ]);
  for (const clientCa of own) {
    assert.deepEqual(shownWith({ clientCa }, lists), [1, 'l.pem', 0]);
    assert.deepEqual(shownWith({ clientCa }, new Map()), [0, undefined, 1]);
  }
  assert.deepEqual(shownWith({ clientCa: 'A' }, lists), [1, undefined, 0]);
  assert.deepEqual(shownWith({ clientCa: 'A', clientCrl: 'GIVEN' }, lists), [1, 'g.pem', 0]);
  assert.deepEqual(shownWith({ clientCa: 'A', clientCrl: 'broken' }, lists), [0, undefined, 1]);
});

test('texts of another version or hostile ones are refused before they reach nginx', () => {
  const tls = sampleTls();
  const hostile = [
    { ...tls, certificate: '../x' },
    { ...tls, certificate: 'a"; }' },
    { ...tls, certificate: '.' },
    { ...tls, hsts: { ...rule, maxAgeSeconds: '1"; x' } },
    { ...tls, hsts: 'on' },
    { ...tls, redirect: 'yes' },
    'on',
    null,
  ];
  for (const each of hostile) {
    const { model, problems } = modelOf([sampleRoute({ tls: each as never })]);
    assert.equal(problems.length, 1, JSON.stringify(each));
    assert.deepEqual(model.servers, []);
  }
  for (const upstreamTls of [{ trust: 'A', serverName: 'x"; y' }, { trust: 1 }])
    assert.equal(modelOf([sampleRoute({ upstreamTls: upstreamTls as never })]).problems.length, 1);
  const wildcard = sampleRoute({ domain: '*.example.com', upstreamTls: { trust: 'A' } });
  assert.match(modelOf([wildcard]).problems[0]?.text ?? '', /server_name/);
  for (const path of [
    '/.well-known/acme-challenge',
    '/.well-known/acme-challenge/x',
    '/.well-known/seawall/ca.crl',
  ])
    assert.match(modelOf([sampleRoute({ path })]).problems[0]?.text ?? '', /answered by the edge itself/);
});
