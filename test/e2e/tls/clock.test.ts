import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { withWrongClock } from './faketime.ts';
import { mustOnHost } from './host.ts';
import { freeEdgesOfCatalog, haveLead, leaderOf } from './lead.ts';
import { issuedBy, ordersOf } from './pebble-log.ts';
import { EDGES } from './project.ts';
import { TlsStage } from './stage.ts';
import { rootsOf, shownEverywhere } from './trust.ts';

const stage = await TlsStage.open('clock');
const tls = { issuers: [stage.issuerOf(stage.acme)] };
const base = stage.domain('time');
const site = stage.project({ name: 'clock', tls, routes: { [base]: {} } });
await stage.resolve([base]);
await site.deploy();
await freeEdgesOfCatalog(stage, site);

for (const [what, offset] of [
  ['two hours behind', '-2h'],
  ['three days ahead', '+3d'],
] as const) {
  test(`a leader whose clock is ${what} gets one certificate for a name, and does not ask again`, async (t) => {
    const leader = await leaderOf(stage);
    const host = EDGES.find((each) => each !== leader) ?? '';
    const domain = stage.domain(`clock${offset.replace(/\W/, '')}`);
    await stage.resolve([domain]);
    const before = await stage.acme.logs();
    await withWrongClock(stage.lab, host, offset, async () => {
      await haveLead(stage, host);
      site.use({ tls, routes: { [base]: {}, [domain]: {} } });
      await site.deploy();
      const roots = await rootsOf(stage, site);
      const first = await until('both edges show its certificate', 240, async () => {
        const found = await shownEverywhere(stage.edges, domain, roots);
        return found?.by === 'acme' && found;
      });
      // Several passes of the loop, that a wrong reading of dates would use.
      const orders = ordersOf(await stage.acme.logs());
      await mustOnHost(stage.lab, host, 'sleep 30');
      const log = await stage.acme.logs();
      assert.equal(ordersOf(log), orders, 'it orders again and again');
      assert.equal(issuedBy(log).length - issuedBy(before).length, 1);
      const state = await stage.catalog.state(domain);
      t.diagnostic(
        `issued ${first.seen.notBefore.toISOString()}, next renewal ${state?.renewAt} (${state?.renewReason})`,
      );
    });
  });
}
