/** A cluster in which much is wrong, as metrics see it. */
import { META } from '../src/catalog/record.ts';
import type { ClusterView, OwnView } from '../src/metrics/view.ts';

export const NOW = Date.parse('2026-12-01T12:00:00Z');
const DAY_MS = 86_400_000;
const at = (days: number): string => new Date(NOW + days * DAY_MS).toISOString();

/** A name that would end the line, the label or the quotes if it were not escaped. */
export const HOSTILE = 'a"} 1\nseawall_catalog_up 0 \\ $(rm) {x="';

const replica = (host: string, number: number, more: object = {}) => ({
  ...{
    id: `${host}:shop-web-${number}:8000`,
    service: 'shop-web',
    host,
    status: 'passing' as const,
    draining: false,
  },
  meta: {
    [META.project]: 'shop',
    [META.service]: 'web',
    [META.container]: `c${number}`,
  } as Readonly<Record<string, string>>,
  ...more,
});

const live = (id: string, from: number, to: number, more: object = {}) => ({
  ...{ id, names: [id], source: 'acme' as const, issuer: 'letsencrypt', isInterim: false },
  ...{ notBefore: at(from), notAfter: at(to), fingerprints: [`f-${id}`] },
  ...more,
});

const issued = (serial: string, days: number, more: object = {}) => ({
  ...{ serial, authority: 'ca-1', names: ['db.internal'], purpose: 'other', notAfter: at(days) },
  ...more,
});

export const view: ClusterView = {
  hosts: [
    { name: 'app1', roles: ['app'] },
    { name: 'app2', roles: ['app'] },
    { name: 'front', roles: ['edge', 'app'] },
    { name: 'back', roles: ['edge'] },
  ],
  alives: {
    app1: {
      ...{ version: '0.1.0', docker: '28.5.1', clock: at(0), link: { front: 'ok', app2: 'no answer' } },
      disk: { totalBytes: 100e9, freeBytes: 1e9 },
    },
    front: {
      ...{ version: '0.1.0', docker: HOSTILE, clock: at(0), link: { app1: 'small only' } },
      disk: { totalBytes: 50e9, freeBytes: 25e9 },
      edge: { oldWorkers: 2, oldWorkerBytes: 8_000_000, cutSockets: 5 },
    },
  },
  edges: {
    front: {
      generation: 41,
      routes: { shop: 'hash-1', blog: 'hash-old' },
      services: { 'shop-web': ['10.208.17.2:8000', '10.208.17.3:8000'], other: ['10.208.17.2:8000'] },
      lingering: {
        '10.208.17.9:8000': { requests: 3, upgraded: 1 },
        '10.208.17.8:8000': { requests: -1, upgraded: 0 },
      },
      problems: { '10.208.17.7:8000': 'no answer' },
    },
  },
  edgeTls: {
    front: {
      certificates: { 'well.example.com': ['f-well.example.com'] },
      problems: { 'over.example.com': 'the key is another' },
    },
  },
  kept: {
    app1: { 'api.shop.internal': { folder: '/var/lib/x', fingerprint: 'f-api.shop.internal' } },
    app2: { 'api.shop.internal': { folder: '/var/lib/x', fingerprint: 'f-old' } },
    front: {
      'api.shop.internal': {
        folder: '/var/lib/x',
        fingerprint: 'f-api.shop.internal',
        stale: ['shop-api-1'],
      },
    },
    back: {},
  },
  routes: { shop: 'hash-1', blog: 'hash-2' },
  wishes: {
    _manual: [{ id: 'mail.example.com', names: ['mail.example.com'], source: 'acme' }],
    shop: [
      { id: 'well.example.com', names: ['well.example.com', 'www.example.com'], source: 'acme' },
      { id: 'over.example.com', names: ['over.example.com'], source: 'acme' },
      { id: 'new.example.com', names: ['new.example.com'], source: 'acme' },
      { id: HOSTILE, names: [HOSTILE], source: 'files' },
      { id: 'api.shop.internal', names: ['api.shop.internal'], source: 'internal', purpose: 'upstream' },
    ],
    blog: [{ id: 'well.example.com', names: ['well.example.com', 'www.example.com'], source: 'acme' }],
  },
  live: [
    live('well.example.com', -10, 80, { names: ['well.example.com', 'www.example.com'] }),
    live('over.example.com', -91, -1),
    live('new.example.com', 0, 7, { issuer: 'internal', source: 'internal', isInterim: true }),
    live('mail.example.com', -1, 89),
    live('api.shop.internal', -1, 89, { issuer: 'internal', source: 'internal' }),
  ],
  states: [
    { id: 'well.example.com', failures: 0, warnings: [], renewAt: at(50) },
    {
      ...{ id: 'over.example.com', failures: 7, warnings: ['port 80 is not reached'], renewAt: at(-30) },
      nextTryAt: at(0.5),
      lastError: { at: at(-0.5), issuer: 'letsencrypt', text: 'no such DNS' },
    },
  ],
  leader: 'front',
  authority: { id: 'ca-1', name: `Shop ${HOSTILE}`, rootNotAfter: at(3650), intermediateNotAfter: at(700) },
  issued: [
    issued('01', 5),
    issued('02', 20),
    issued('03', 3, { names: ['old.internal'], revokedAt: at(-1) }),
    issued('04', -2, { names: ['ann@example.com'], purpose: 'client' }),
    issued('05', 400, { names: ['far.internal'] }),
    issued('06', 2, { names: ['web.internal'], purpose: 'route' }),
    issued('07', 4, { names: ['gone.internal'], authority: 'ca-0' }),
  ],
  crlNextUpdate: at(6),
  releases: {
    shop: { number: 12, isMixed: false, wanted: { web: 3, worker: 1 } },
    blog: { isMixed: true, wanted: {} },
    gone: { number: 3, isMixed: false, wanted: { web: 9 } },
  },
  networked: ['shop'],
  rollouts: [
    { project: 'shop', ended: true },
    { project: 'blog', ended: false },
  ],
  traffic: [{ project: 'shop', edge: 'front', requests: 1200, failed: 2 }],
  instances: [
    replica('app1', 1),
    replica('app1', 2, { status: 'critical' }),
    replica('app1', 3, { status: 'critical', draining: true }),
    replica('app2', 4),
    replica('front', 5),
    { ...replica('front', 6), id: 'front:hand:80', service: HOSTILE, meta: { [META.container]: 'c6' } },
    {
      ...replica('front', 6),
      id: 'front:hand:81',
      service: HOSTILE,
      meta: { [META.container]: 'c6' },
      status: 'warning',
    },
  ],
};

export const own: OwnView = {
  ...{
    version: '0.1.0',
    node: '24.0.0',
    isCatalogUp: true,
    catalog: { host: 'front', epoch: 2 },
    index: 4711,
  },
  parts: { live: true, releases: false },
  host: {
    name: 'front',
    problems: { names: false, catalog: true },
    snapshot: { writtenMs: NOW - 3_000, index: 4709 },
  },
  signs: {
    app1: { heardAt: NOW - 12_000, clock: at(0), offsetMs: -1_500 },
    app2: { heardAt: NOW - 600_000, clock: at(-0.1), offsetMs: 20 },
  },
};
