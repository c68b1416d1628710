import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { removeGuest, startGuest } from '../../../lab/guests.ts';
import { findHost } from '../../../lab/hosts.ts';
import { ensureImages } from '../../../lab/images.ts';
import { haproxyImage } from '../../../lab/recipes.ts';
import { until } from '../../until.ts';
import { reportText } from '../load/report.ts';
import { mustOnHost, onHost } from './host.ts';
import { TlsStage } from './stage.ts';
import { anyOf, rootsOf } from './trust.ts';
import { ask, shown } from './visitor.ts';

const stage = await TlsStage.open('proxy');
const name = stage.domain('proxy');
const tls = { issuers: [stage.issuerOf(stage.acme)] };
const { number, address: balancer } = stage.guest(5);
const guest = 'proxy-haproxy';
const site = stage.project({
  name: 'proxy',
  tls,
  routes: { [name]: {} },
  edge: { proxy_protocol: true, trusted_proxies: [balancer] },
});

/** A balancer of layer 4: it passes both ports on as they are, and says in front who came. */
const balancerText = `global
  maxconn 2000
defaults
  mode tcp
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch
${[80, 443]
  .map(
    (port) => `listen port-${port}
  bind :${port}
  balance roundrobin
${stage.edges.map((edge, index) => `  server edge${index} ${edge}:${port} send-proxy-v2 check check-send-proxy inter 1s`).join('\n')}
`,
  )
  .join('')}`;

await ensureImages({ images: [haproxyImage], say: () => undefined });
await startGuest(stage.lab, {
  name: guest,
  image: haproxyImage,
  number,
  files: { '/usr/local/etc/haproxy/haproxy.cfg': balancerText },
});
after(async () => {
  await removeGuest(stage.lab, guest);
  // The edges are everybody's: the tests that come later ask them directly.
  site.use({ tls, routes: { [name]: {} } });
  await site.deploy();
});

test('a certificate is issued through a balancer with PROXY protocol, and the app sees who the visitors are', async (t) => {
  await stage.resolve([name], [balancer]);
  await site.deploy();
  const roots = await rootsOf(stage, site);
  await until('the issuer’s certificate is shown through the balancer', 240, async () => {
    const seen = await shown(balancer, name, roots.acme);
    return seen.isTrusted;
  });
  const foreign = findHost(stage.lab, 'foreign').address;
  await mustOnHost(stage.lab, 'foreign', 'cat > /tmp/proxy.pem', roots.acme);
  const to = `--resolve ${name}:443:${balancer} --cacert /tmp/proxy.pem`;
  const curl = `curl -s ${to} -H 'X-Forwarded-For: 192.0.2.7' https://${name}/`;
  const seen = JSON.parse((await onHost(stage.lab, 'foreign', curl)).stdout) as {
    forwardedFor: string;
    proto: string;
  };
  t.diagnostic(`the app saw ${JSON.stringify(seen)}`);
  assert.equal(seen.proto, 'https');
  // What the visitor claims is not believed: the balancer's word is.
  assert.equal(seen.forwardedFor.split(', ').at(-1), foreign);
  assert.doesNotMatch(seen.forwardedFor, /192\.0\.2\.7/);
  const redirect = await ask(balancer, name, '', { plain: true });
  assert.deepEqual([redirect.status, redirect.headers.location], [301, `https://${name}/`]);
});

test('a visitor who comes past the balancer gets nothing, whatever he claims', async () => {
  for (const edge of stage.edges) {
    await assert.rejects(shown(edge, name, ''));
    await assert.rejects(ask(edge, name, '', { plain: true }));
  }
  const claim = 'PROXY TCP4 192.0.2.7 192.0.2.8 1000 80';
  const line = `printf '%s\\r\\nGET / HTTP/1.1\\r\\nHost: ${name}\\r\\nConnection: close\\r\\n\\r\\n' '${claim}' | nc -w 5 ${stage.edges[0]} 80`;
  const { stdout } = await onHost(stage.lab, 'foreign', line);
  assert.doesNotMatch(stdout, /"version"/);
});

test('a deploy under load through the balancer loses nothing', async (t) => {
  const roots = await rootsOf(stage, site);
  const report = await site.underLoad(
    name,
    anyOf(roots),
    async () => {
      await site.deploy({ VERSION: 'v2' });
    },
    { url: `https://${balancer}`, also: [] },
  );
  t.diagnostic(`deploy through the balancer:\n${reportText(report)}`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
});
