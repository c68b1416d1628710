import type { RouteRecord } from '../src/catalog/record.ts';
import { type EdgeSettings, edgeModel, upstreamName } from '../src/edge/model.ts';
import { renderNginx } from '../src/edge/render.ts';

/** Configurations that tests compare with test/golden/nginx and give to the real nginx. */

export const sampleSettings: EdgeSettings = {
  generation: 7,
  httpPort: 80,
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
): string {
  const inForce = new Map(
    routes.map((route) => [upstreamName(route), addresses[route.catalogService] ?? []]),
  );
  return renderNginx(edgeModel(routes, inForce, settings).model);
}

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
};
