import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { reportText } from '../load/report.ts';
import { firstOrderAt, issuedBy, ordersOf } from './pebble-log.ts';
import { TlsStage } from './stage.ts';
import { anyOf, issuerOf, rootsOf, shownEverywhere } from './trust.ts';
import { ask, shown } from './visitor.ts';

const stage = await TlsStage.open('first');
const domain = stage.domain('first');
const second = stage.domain('second');
const site = stage.project({ name: 'first', routes: { [domain]: {} } });

test('the first deploy before DNS exists serves with the private CA, says so, and switches by itself when DNS is there', async (t) => {
  const output = await site.deploy();
  assert.match(output, /private CA/, output);
  assert.match(output, new RegExp(`https://${domain}`), output);
  const roots = await rootsOf(stage, site);
  for (const edge of stage.edges) assert.equal((await issuerOf(edge, domain, roots)).by, 'private');
  assert.equal((await ask(stage.edges[0] ?? '', domain, roots.private)).status, 200);
  const interim = await site.run(['cert', 'ls']);
  assert.match(interim.stdout, /private CA|interim|internal/, interim.stdout);
  t.diagnostic(`cert ls before DNS, exit code ${interim.code}:\n${interim.stdout}`);
  assert.equal(issuedBy(await stage.acme.logs()).length, 0, 'nothing was asked of the issuer that counts');

  const report = await site.underLoad(domain, anyOf(roots), async () => {
    await stage.resolve([domain]);
    const startedAt = performance.now();
    await until('both edges show the issuer’s certificate', 300, async () => {
      const everywhere = await shownEverywhere(stage.edges, domain, roots);
      return everywhere?.by === 'acme';
    });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    t.diagnostic(`from the name in the DNS to the certificate on both edges: ${seconds} s`);
  });
  t.diagnostic(`the switch under load:\n${reportText(report)}`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
});

test('both edges have the same certificate out of one order, which was rehearsed first', async (t) => {
  const roots = await rootsOf(stage, site);
  const everywhere = await shownEverywhere(stage.edges, domain, roots);
  assert.equal(everywhere?.by, 'acme');
  assert.deepEqual(everywhere?.seen.names, [domain]);
  assert.equal(everywhere?.seen.keyType, 'prime256v1');
  assert.equal(everywhere?.seen.chainLength, 2);
  const [log, rehearsals] = await Promise.all([stage.acme.logs(), stage.staging.logs()]);
  assert.deepEqual([ordersOf(log), issuedBy(log).length], [1, 1]);
  assert.equal(issuedBy(rehearsals).length, 1);
  const [rehearsedAt = '', orderedAt = ''] = [firstOrderAt(rehearsals), firstOrderAt(log)];
  assert.ok(rehearsedAt <= orderedAt, `rehearsed ${rehearsedAt}, ordered ${orderedAt}`);
  t.diagnostic(
    `rehearsed ${ordersOf(rehearsals)} times, the first at ${rehearsedAt}, ordered at ${orderedAt}`,
  );
});

test('plain HTTP is redirected, with 301 for GET and HEAD and 308 otherwise', async () => {
  const [edge = ''] = stage.edges;
  const location = `https://${domain}/path?a=b`;
  for (const [method, status] of [
    ['GET', 301],
    ['HEAD', 301],
    ['POST', 308],
    ['DELETE', 308],
  ] as const) {
    const answer = await ask(edge, domain, '', { plain: true, method, path: '/path?a=b' });
    assert.deepEqual([answer.status, answer.headers.location], [status, location], method);
  }
});

test('no HSTS before a public certificate has lived a day, and then it is there', async () => {
  const { acme } = await rootsOf(stage);
  const header = async (edge: string): Promise<string | undefined> =>
    (await ask(edge, domain, acme)).headers['strict-transport-security'];
  for (const edge of stage.edges) assert.equal(await header(edge), undefined);
  // A day is too long for a test: the record says that it has passed.
  const live = await stage.catalog.live(domain);
  assert.ok(live?.publicSince !== undefined);
  const publicSince = new Date(Date.parse(live.publicSince) - 25 * 3600 * 1000).toISOString();
  await stage.catalog.write(`seawall/certs/live/${domain}`, JSON.stringify({ ...live, publicSince }));
  for (const edge of stage.edges)
    await until('the edge sends HSTS', 30, async () => (await header(edge)) === 'max-age=15552000');
});

test('a name that nobody serves, or none, gets no handshake and no answer', async () => {
  for (const edge of stage.edges) {
    await assert.rejects(shown(edge, 'nobody.example.net', ''));
    await assert.rejects(shown(edge, '', ''));
    await assert.rejects(ask(edge, 'nobody.example.net', '', { plain: true }));
  }
});

test('with the name in the DNS a deploy ends with HTTPS by the issuer, and says who that is', async (t) => {
  await stage.resolve([second]);
  site.use({ routes: { [domain]: {}, [second]: {} } });
  const startedAt = performance.now();
  const output = await site.deploy();
  t.diagnostic(`deploy of a further domain: ${Math.round((performance.now() - startedAt) / 1000)} s`);
  assert.match(output, new RegExp(`https://${second}`));
  assert.doesNotMatch(output, /private CA for now/);
  const roots = await rootsOf(stage, site);
  assert.equal((await shownEverywhere(stage.edges, second, roots))?.by, 'acme');
  const plan = await site.expect(0, ['plan', '--exit-code']);
  assert.match(plan.stdout, /No change/);
});
