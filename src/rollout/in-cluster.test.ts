import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterFile, defaultEdgeRules, type EdgeRules } from '../cluster.ts';
import type { ClusterSetting } from '../cluster-settings.ts';
import type { Config } from '../config/index.ts';
import { inCluster } from './in-cluster.ts';

/** What a seawall.yml with these rules gives. */
function configOf(
  rules: Partial<EdgeRules>,
  written: readonly ClusterSetting[],
  { image = 'nginx:1.30', httpPort = 80, metrics }: Partial<Config['edge'] & Pick<Config, 'metrics'>> = {},
): Config {
  const edge = { image, httpPort, rules: { ...defaultEdgeRules, ...rules } };
  return { edge, written, ...(metrics === undefined ? {} : { metrics }) } as unknown as Config;
}

/** The cluster after a setup with that configuration, as `decideCluster` writes it down. */
function fileAfter({ edge, metrics, settledBy = {} }: Config): ClusterFile {
  const image = settledBy['edge.image'] === undefined ? {} : { edgeImage: edge.image };
  return { httpPort: edge.httpPort, edge: edge.rules, metrics, settledBy, ...image } as ClusterFile;
}

const metrics = { listen: [{ address: '127.0.0.1', port: 9464 }], from: [] };
const shop = inCluster(
  configOf({ trustedProxies: ['10.0.0.0/8'] }, ['edge.trusted_proxies', 'edge.image', 'metrics'], {
    image: 'nginx:1.31',
    metrics,
  }),
  undefined,
  'shop',
);
const bare = configOf({}, []);

test('what a project leaves out stays as another one set it', () => {
  const blog = inCluster(bare, fileAfter(shop), 'blog');
  assert.deepEqual(blog.edge, shop.edge);
  assert.deepEqual(blog.metrics, metrics);
  assert.deepEqual(blog.settledBy, shop.settledBy);
  assert.deepEqual(inCluster(blog, fileAfter(blog), 'blog'), blog, 'a session that is opened again');
});

test('what a project itself set and leaves out now is the default again', () => {
  const after = inCluster(bare, fileAfter(shop), 'shop');
  assert.deepEqual(after.edge, bare.edge);
  assert.equal(after.metrics, undefined);
  assert.deepEqual(after.settledBy, {});
});

test('of two that write different values the last one counts, of two that write the same the first', () => {
  const other = configOf({ trustedProxies: [] }, ['edge.trusted_proxies']);
  const blog = inCluster(other, fileAfter(shop), 'blog');
  assert.deepEqual(blog.edge.rules.trustedProxies, []);
  assert.equal(blog.edge.image, 'nginx:1.31');
  assert.deepEqual(blog.settledBy, { 'edge.image': 'shop', 'edge.trusted_proxies': 'blog', metrics: 'shop' });
  const same = configOf({ trustedProxies: ['10.0.0.0/8'] }, ['edge.trusted_proxies']);
  assert.equal(inCluster(same, fileAfter(shop), 'blog').settledBy?.['edge.trusted_proxies'], 'shop');
});

test('a cluster of before this was kept gives what the file says, as ever', () => {
  const old = { httpPort: 8080, edge: { ...defaultEdgeRules, http3: true } } as ClusterFile;
  assert.deepEqual(inCluster(bare, old, 'shop').edge, bare.edge);
});

test('what does not go together in a cluster is refused, and says whose the other part is', () => {
  const quic = inCluster(configOf({ http3: true }, ['edge.http3']), undefined, 'shop');
  const proxied = configOf({ proxyProtocol: true, trustedProxies: ['10.0.0.0/8'] }, [
    'edge.proxy_protocol',
    'edge.trusted_proxies',
  ]);
  assert.throws(() => inCluster(proxied, fileAfter(quic), 'blog'), {
    message:
      'HTTP/3 comes over UDP, which PROXY protocol does not go with (edge.http3 is as project shop set it)',
    where: 'edge.proxy_protocol',
  });
});

test('the names of projects are theirs: none is taken for a property that every object has', () => {
  const odd = inCluster(configOf({ http3: true }, ['edge.http3']), undefined, 'constructor');
  assert.equal(inCluster(bare, fileAfter(odd), '__proto__').edge.rules.http3, true);
});
