import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { startHost, stopHost } from '../../../lab/hosts.ts';
import { until } from '../../until.ts';
import { mustOnHost, useResolver } from './host.ts';
import { freeEdgesOfCatalog, killServer, leaderOf } from './lead.ts';
import { accountsOf, issuedBy, ordersOf } from './pebble-log.ts';
import { EDGES } from './project.ts';
import { TlsStage } from './stage.ts';
import { rootsOf, shownEverywhere } from './trust.ts';

const stage = await TlsStage.open('leader');
const issuers = [stage.issuerOf(stage.acme)];
const base = stage.domain('base');
const site = stage.project({ name: 'leader', tls: { issuers }, routes: { [base]: {} } });
await stage.resolve([base]);
await site.deploy();

await freeEdgesOfCatalog(stage, site);

/** Freezes the issuer in the moment that its log says something further, from when this is called. */
async function freezeAt(what: RegExp): Promise<void> {
  const since = new Date().toISOString();
  const follower = spawn('docker', ['logs', '--follow', '--since', since, stage.acme.container], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const seen = Promise.withResolvers<void>();
  const deadline = setTimeout(() => seen.reject(new Error(`the issuer's log never says ${what}`)), 120_000);
  for (const stream of [follower.stdout, follower.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk;
      if (what.test(text)) seen.resolve();
    });
  try {
    await seen.promise;
    await stage.acme.freeze();
  } finally {
    clearTimeout(deadline);
    follower.kill();
    await once(follower, 'close');
  }
}

/** A further domain is deployed; what happens meanwhile must leave it with one certificate and nothing else. */
async function duringOrder(
  t: TestContext,
  { domain, freeze }: { readonly domain: string; readonly freeze: RegExp },
  accident: () => Promise<void>,
): Promise<void> {
  await stage.resolve([domain]);
  const issuedBefore = issuedBy(await stage.acme.logs()).length;
  const ordersBefore = ordersOf(await stage.acme.logs());
  site.use({ tls: { issuers }, routes: { [base]: {}, [domain]: {} } });
  const startedAt = performance.now();
  const frozen = freezeAt(freeze);
  const deployed = site.run(['deploy', '--yes']);
  await Promise.all([frozen.then(accident), deployed]);
  // Whose catalog went away in the middle of a deploy runs it again.
  if ((await deployed).code !== 0) await site.deploy();
  const roots = await rootsOf(stage, site);
  const everywhere = await until(`both edges show the certificate for ${domain}`, 420, async () => {
    const found = await shownEverywhere(stage.edges, domain, roots);
    return found?.by === 'acme' && found;
  });
  await until('nothing is left of the order', 60, async () => {
    const state = await stage.catalog.state(domain);
    const answers = await stage.catalog.keys('seawall/certs/answers/');
    return state?.order === undefined && answers.length === 0;
  });
  const live = await stage.catalog.live(domain);
  assert.equal(live?.keys[0]?.serial.replace(/^0+/, ''), everywhere.seen.serial.replace(/^0+/, ''));
  const log = await stage.acme.logs();
  const [orders, issued] = [ordersOf(log) - ordersBefore, issuedBy(log).length - issuedBefore];
  t.diagnostic(
    `${domain}: ${Math.round((performance.now() - startedAt) / 1000)} s, ${orders} orders, ${issued} certificates`,
  );
  assert.ok(orders <= 2 && issued <= 2, `${orders} orders and ${issued} certificates for one name`);
  assert.equal(accountsOf(log), 1, 'nobody made a second account');
}

for (const [step, what] of [
  ['order', /Added order/],
  ['challenge', /POST \/chalZ/],
  ['finalize', /POST \/finalize-order/],
] as const) {
  test(`the leader's server killed when the issuer has its ${step}: one certificate, nothing left over`, async (t) => {
    await duringOrder(t, { domain: stage.domain(step), freeze: what }, async () => {
      await killServer(stage, await leaderOf(stage));
      await stage.acme.thaw();
    });
  });
}

test('the leader’s host loses power in the middle of an order: the other edge finishes it', async (t) => {
  const lost = await leaderOf(stage);
  const rest = EDGES.find((host) => host !== lost) ?? '';
  const domain = stage.domain('power');
  try {
    await duringOrder(t, { domain, freeze: /Added order/ }, async () => {
      await stopHost(stage.lab, lost);
      await stage.acme.thaw();
      // Who runs two edges takes a dead one's address away.
      await stage.resolve([domain], [stage.address(rest)]);
      await until('the other edge has the certificate', 300, async () => {
        const live = await stage.catalog.live(domain);
        return live !== undefined && !live.isInterim;
      });
      await startHost(stage.lab, lost);
      await useResolver(stage.lab, lost, stage.dns.address);
    });
  } finally {
    await startHost(stage.lab, lost);
  }
});

test('the catalog is away in the middle of a renewal: what serves goes on, and it ends with one certificate', async (t) => {
  const place = await stage.catalog.place();
  const roots = await rootsOf(stage, site);
  const before = await shownEverywhere(stage.edges, base, roots);
  const report = await site.underLoad(base, roots.acme, async () => {
    const frozen = freezeAt(/Added order/);
    const renewal = site.run(['cert', 'renew', base, '--yes']);
    await frozen;
    await mustOnHost(stage.lab, place, 'docker stop seawall-server');
    await stage.acme.thaw();
    assert.equal((await shownEverywhere(stage.edges, base, roots))?.seen.serial, before?.seen.serial);
    await mustOnHost(stage.lab, place, 'docker start seawall-server');
    await renewal;
    await until('another certificate is on both edges', 420, async () => {
      const now = await shownEverywhere(stage.edges, base, roots);
      return now !== undefined && now.seen.serial !== before?.seen.serial;
    });
  });
  t.diagnostic(`catalog lost during a renewal: ${report.requests} requests, ${report.failed} failed`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
});

test('agents and servers restarted in the middle of a renewal lose no request and no certificate', async (t) => {
  const roots = await rootsOf(stage, site);
  const before = await shownEverywhere(stage.edges, base, roots);
  const report = await site.underLoad(base, roots.acme, async () => {
    const frozen = freezeAt(/Added order/);
    const renewal = site.run(['cert', 'renew', base, '--yes']);
    await frozen;
    for (const host of EDGES) await mustOnHost(stage.lab, host, 'docker restart seawall-agent');
    await killServer(stage, await leaderOf(stage));
    await stage.acme.thaw();
    await renewal;
    await until('another certificate is on both edges', 420, async () => {
      const now = await shownEverywhere(stage.edges, base, roots);
      return now !== undefined && now.seen.serial !== before?.seen.serial;
    });
  });
  t.diagnostic(`restarts during a renewal: ${report.requests} requests, ${report.failed} failed`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
});
