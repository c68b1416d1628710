import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { reportText } from '../load/report.ts';
import { accountsOf, issuedBy } from './pebble-log.ts';
import { TlsStage } from './stage.ts';
import { anyOf, rootsOf, shownEverywhere } from './trust.ts';
import { OpenStream } from './visitor.ts';
import { TlsSocket } from './web-socket.ts';

const DAY_S = 24 * 60 * 60;
/** Of the profile `shortlived` here; Let's Encrypt's is 160 hours. */
const SHORT_S = 240;

const stage = await TlsStage.open('renewal', {
  profiles: { classic: 90 * DAY_S, shortlived: SHORT_S },
});
const ten = Array.from({ length: 10 }, (_, index) => stage.domain(`n${index}`));
const brief = stage.domain('brief');
const issuers = (profile: string): readonly object[] => [stage.issuerOf(stage.acme, { profile })];
const site = stage.project({
  name: 'renewal',
  tls: { issuers: issuers('classic') },
  routes: Object.fromEntries(ten.map((name) => [name, {}])),
});
await stage.resolve([...ten, brief]);

test('ten domains in one deploy have ten certificates on both edges, of one account', async (t) => {
  const startedAt = performance.now();
  await site.deploy();
  const roots = await rootsOf(stage, site);
  await until('all of them are there', 180, async () => {
    for (const name of ten)
      if ((await shownEverywhere(stage.edges, name, roots))?.by !== 'acme') return false;
    return true;
  });
  t.diagnostic(`deploy to ten certificates: ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const log = await stage.acme.logs();
  assert.equal(issuedBy(log).length, 10);
  assert.equal(accountsOf(log), 1);
});

test('ten certificates renewed under 300 requests a second lose none, and open connections go on', async (t) => {
  const [name = '', other = ''] = ten;
  const [first = '', last = ''] = stage.edges;
  const roots = await rootsOf(stage, site);
  const trust = anyOf(roots);
  const before = await Promise.all(ten.map((each) => shownEverywhere(stage.edges, each, roots)));
  const streams = await Promise.all([first, last].map((edge) => OpenStream.open(edge, other, trust)));
  const sockets = await Promise.all([first, last].map((edge) => TlsSocket.open(edge, other, trust)));
  t.after(() => {
    for (const each of [...streams, ...sockets]) each.close();
  });
  const eventsBefore = streams.map(({ events }) => events);
  const report = await site.underLoad(
    name,
    trust,
    async (load) => {
      await until('the load runs', 30, async () => (await load.report()).requests > 1500);
      assert.equal((await load.report()).failed, 0, 'this machine cannot carry the load to begin with');
      await site.expect(0, ['cert', 'renew', '--yes']);
      await until('both edges show ten other certificates', 300, async () => {
        for (const [index, each] of ten.entries()) {
          const now = await shownEverywhere(stage.edges, each, roots);
          if (now === undefined || now.seen.fingerprint === before[index]?.seen.fingerprint) return false;
        }
        return true;
      });
    },
    { rate: 300, fresh: 0.04, mix: 'get=64,idle=4,post=5,slow=1,h2=26' },
  );
  t.diagnostic(`ten renewals under load:\n${reportText(report)}`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.ok(report.requests > 3000, `too few requests to mean anything: ${report.requests}`);
  for (const [index, stream] of streams.entries()) {
    assert.ok(stream.isOpen, 'a stream of events was cut');
    assert.ok(stream.events > (eventsBefore[index] ?? 0) + 5);
  }
  for (const socket of sockets) assert.equal(await socket.echo('still there'), 'still there');
});

test('a short-lived certificate is renewed in the window that the issuer names, without anybody', async (t) => {
  site.use({
    tls: { issuers: issuers('classic') },
    routes: {
      ...Object.fromEntries(ten.map((name) => [name, {}])),
      [brief]: { tls: { issuers: issuers('shortlived') } },
    },
  });
  await site.deploy();
  const roots = await rootsOf(stage, site);
  const first = await until('it is there', 120, async () => {
    const everywhere = await shownEverywhere(stage.edges, brief, roots);
    return everywhere?.by === 'acme' && everywhere.seen;
  });
  const livesS = (first.notAfter.getTime() - first.notBefore.getTime()) / 1000;
  assert.ok(Math.abs(livesS - SHORT_S) < 30, `it lives ${livesS} s`);
  const state = await until('the window was asked for', 60, async () => {
    const found = await stage.catalog.state(brief);
    return found?.ari !== undefined && found.renewReason === 'ari' && found;
  });
  const next = await until('another one is there', 300, async () => {
    const everywhere = await shownEverywhere(stage.edges, brief, roots);
    return everywhere !== undefined && everywhere.seen.serial !== first.serial && everywhere.seen;
  });
  const { start = '', end = '' } = state.ari ?? {};
  const renewedAt = next.notBefore.getTime();
  t.diagnostic(
    `window ${start} to ${end}, renewed at ${next.notBefore.toISOString()}, expiry ${first.notAfter.toISOString()}`,
  );
  assert.ok(renewedAt >= Date.parse(start) - 2000, 'renewed before the window');
  assert.ok(renewedAt < first.notAfter.getTime(), 'renewed after it had expired');
});

test('an issuer that calls a certificate back by its window gets it replaced at the next question', async () => {
  const [name = ''] = ten;
  const roots = await rootsOf(stage, site);
  const live = await stage.catalog.live(name);
  const state = await stage.catalog.state(name);
  assert.ok(live !== undefined && state !== undefined);
  const at = (hours: number): string => new Date(Date.now() + hours * 3600 * 1000).toISOString();
  await stage.acme.setRenewalInfo(live.keys[0]?.chain.split('\n\n')[0] ?? '', { start: at(-2), end: at(-1) });
  // It is asked twice a day: the state says that the time has come, and who leads next reads it.
  const ari = { ...(state.ari ?? { start: at(24), end: at(25) }), askAt: at(-1) };
  await stage.catalog.write(`seawall/certs/state/${name}`, JSON.stringify({ ...state, ari }));
  const leader = (await stage.catalog.leader()) ?? '';
  await stage.onHost(leader, "kill -9 $(docker inspect --format '{{.State.Pid}}' seawall-server)");
  await until('it was replaced', 180, async () => {
    const everywhere = await shownEverywhere(stage.edges, name, roots);
    return everywhere !== undefined && everywhere.seen.serial !== live.keys[0]?.serial;
  });
});
