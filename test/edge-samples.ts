import type { RouteRecord } from '../src/catalog/record.ts';
import { defaultEdgeRules } from '../src/cluster.ts';
import type { RouteTls } from '../src/compose/desired.ts';
import { leastCapabilities } from '../src/edge/capabilities.ts';
import { type EdgeSettings, edgeModel } from '../src/edge/model.ts';
import { renderNginx } from '../src/edge/render.ts';
import { noTls, type TlsState } from '../src/edge/tls-plan.ts';
import { upstreamName } from '../src/edge/upstream-name.ts';

/** Configurations that tests compare with test/golden/nginx and give to the real nginx. */

export const sampleSettings: EdgeSettings = {
  generation: 7,
  httpPort: 80,
  rules: defaultEdgeRules,
  capabilities: { hybridGroup: true, http3: true },
  ipv6: true,
  sources: { requests: '10.208.16.1', upgraded: '10.208.16.2' },
  paths: { edge: '/var/lib/seawall/edge' },
  user: 'nginx',
};

export const sampleRoute = (change: Partial<RouteRecord> = {}): RouteRecord => ({
  project: 'polls',
  domain: 'polls.example.com',
  path: '/',
  catalogService: 'polls-web',
  port: 8000,
  tls: 'off',
  bodyLimitBytes: 1024 * 1024,
  connectTimeoutMs: 2_000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  upstreamKeepaliveMs: 1_000,
  ...change,
});

function render(
  routes: readonly RouteRecord[],
  addresses: Readonly<Record<string, readonly string[]>>,
  settings: EdgeSettings = sampleSettings,
  state: TlsState = noTls,
): string {
  const inForce = new Map(
    routes.map((route) => [upstreamName(route), addresses[route.catalogService] ?? []]),
  );
  return renderNginx(edgeModel(routes, inForce, settings, state).model);
}

const samplePem = '-----BEGIN CERTIFICATE-----\nsample\n-----END CERTIFICATE-----\n';
const web = { 'polls-web': ['10.208.17.2:8000'] };

/** Names of files that `test/e2e/edge-text.test.ts` makes. */
export const sampleFiles = {
  ecdsa: '0123456789abcdef0123456789abcdef',
  rsa: 'fedcba9876543210fedcba9876543210',
  trust: '00112233445566778899aabbccddeeff.pem',
  lists: 'ffeeddccbbaa99887766554433221100.pem',
} as const;

const sampleCrl = '-----BEGIN X509 CRL-----';

export const sampleTls = (change: Partial<RouteTls> = {}): RouteTls => ({
  certificate: 'polls.example.com',
  redirect: true,
  hsts: { maxAgeSeconds: 15_552_000, subdomains: false, preload: false },
  ...change,
});

/** Both domains of the samples are on one certificate, publicly trusted for a month. */
const sampleState: TlsState = {
  certificates: new Map([
    [
      'polls.example.com',
      {
        id: 'polls.example.com',
        names: ['polls.example.com', '*.example.com', '*.shop.example.com'],
        keys: [
          { type: 'ecdsa', fingerprint: sampleFiles.ecdsa },
          { type: 'rsa', fingerprint: sampleFiles.rsa },
        ],
        source: 'acme',
        isInterim: false,
        publicSince: '2026-10-01T00:00:00.000Z',
      },
    ],
  ]),
  trust: new Map([
    [samplePem, sampleFiles.trust],
    ['internal', sampleFiles.trust],
  ]),
  lists: new Map([
    ['internal', sampleFiles.lists],
    [sampleCrl, sampleFiles.lists],
  ]),
  own: new Set(['internal']),
  nowMs: Date.parse('2026-11-01T00:00:00.000Z'),
};

const withRules = (rules: Partial<EdgeSettings['rules']>): EdgeSettings => ({
  ...sampleSettings,
  rules: { ...sampleSettings.rules, ...rules },
});

const { sources: _, ...withoutSources } = sampleSettings;

/** By name of the golden file. */
export const nginxGoldens: Readonly<Record<string, () => string>> = {
  'no-routes': () => render([], {}),
  'one-route': () => render([sampleRoute()], { 'polls-web': ['10.208.33.2:8000', '10.208.17.2:8000'] }),
  'paths-and-projects': () =>
    render(
      [
        sampleRoute(),
        sampleRoute({ path: '/api/', catalogService: 'polls-api', port: 3000, readTimeoutMs: 7_200_000 }),
        sampleRoute({ path: '/api/upload', catalogService: 'polls-api', port: 3000, bodyLimitBytes: 0 }),
        sampleRoute({ project: 'shop', path: '/shop', catalogService: 'shop-web', port: 80 }),
        sampleRoute({
          project: 'shop',
          domain: '*.shop.example.com',
          catalogService: 'Hand Made Ü',
          port: 80,
        }),
      ],
      {
        'polls-web': ['10.208.17.2:8000'],
        'polls-api': ['10.208.17.3:3000'],
        'shop-web': ['10.208.17.4:80'],
        'Hand Made Ü': ['10.208.16.1:32768'],
      },
    ),
  'no-replicas': () => render([sampleRoute()], {}),
  'ipv4-without-private-network': () =>
    render(
      [sampleRoute()],
      { 'polls-web': ['127.0.0.1:8000'] },
      { ...withoutSources, ipv6: false, httpPort: 8080 },
    ),
  tls: () => render([sampleRoute({ tls: sampleTls() })], web, sampleSettings, sampleState),
  'tls-without-certificate': () => render([sampleRoute({ tls: sampleTls() })], web),
  'tls-and-plain': () =>
    render(
      [
        sampleRoute({ tls: sampleTls({ redirect: false, hsts: 'off' }) }),
        sampleRoute({ domain: 'plain.example.com' }),
        sampleRoute({
          domain: '*.shop.example.com',
          catalogService: 'shop-web',
          tls: sampleTls({ hsts: { maxAgeSeconds: 63_072_000, subdomains: true, preload: true } }),
        }),
      ],
      web,
      withRules({ httpsPort: 8443 }),
      sampleState,
    ),
  'tls-modern-http3': () =>
    render(
      [sampleRoute({ tls: sampleTls() })],
      web,
      withRules({ tlsPolicy: 'modern', http3: true }),
      sampleState,
    ),
  'tls-of-an-older-nginx': () =>
    render(
      [sampleRoute({ tls: sampleTls() })],
      web,
      { ...withRules({ http3: true }), capabilities: leastCapabilities },
      sampleState,
    ),
  'client-certificates': () =>
    render(
      [
        sampleRoute({ tls: sampleTls({ clientCa: samplePem, redirect: false }) }),
        sampleRoute({ domain: 'open.example.com', tls: sampleTls() }),
      ],
      web,
      sampleSettings,
      sampleState,
    ),
  'client-certificates-revoked': () =>
    render(
      [
        sampleRoute({ tls: sampleTls({ clientCa: 'internal' }) }),
        sampleRoute({
          domain: 'given.example.com',
          tls: sampleTls({ clientCa: samplePem, clientCrl: sampleCrl }),
        }),
        sampleRoute({ domain: 'unchecked.example.com', tls: sampleTls({ clientCa: samplePem }) }),
      ],
      web,
      sampleSettings,
      sampleState,
    ),
  'upstream-tls': () =>
    render(
      [
        sampleRoute({ tls: sampleTls(), upstreamTls: { trust: 'internal' } }),
        sampleRoute({ path: '/api', upstreamTls: { trust: samplePem, serverName: 'api.internal' } }),
      ],
      {
        'polls-web': ['10.208.17.2:8443'],
      },
      sampleSettings,
      sampleState,
    ),
  'behind-proxies': () =>
    render(
      [
        sampleRoute({ tls: sampleTls() }),
        sampleRoute({ domain: 'closed.example.com', tls: sampleTls({ clientCa: samplePem }) }),
      ],
      web,
      withRules({ trustedProxies: ['198.51.100.0/24', '2001:db8::/32'] }),
      sampleState,
    ),
  'proxy-protocol': () =>
    render(
      [sampleRoute({ tls: sampleTls() })],
      web,
      withRules({ trustedProxies: ['198.51.100.7/32'], proxyProtocol: true, http3: true }),
      sampleState,
    ),
};
