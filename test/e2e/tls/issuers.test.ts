import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { accountsOf, callsOf, issuedBy } from './pebble-log.ts';
import { TlsStage } from './stage.ts';
import { issuerOf, rootsOf, shownEverywhere } from './trust.ts';
import { shown } from './visitor.ts';

const stage = await TlsStage.open('issuers');
const bound = stage.domain('bound');
const site = stage.project({ name: 'issuers', routes: {} });

/** As a user writes it who has a DNS with an HTTP interface; FQDN may come with or without its last dot. */
const hook = `set -eu
case "$1" in
  present) action=set-txt; body="{\\"host\\":\\"\${2%.}.\\",\\"value\\":\\"$3\\"}" ;;
  cleanup) action=clear-txt; body="{\\"host\\":\\"\${2%.}.\\"}" ;;
esac
node -e '
fetch(process.argv[1], { method: "POST", body: process.argv[2] }).then((answer) => {
  if (!answer.ok) process.exit(1);
});' "$DNS_API/$action" "$body"
`;

test('a wildcard certificate comes by DNS-01 through a script of the user, for all routes below it', async (t) => {
  const zone = stage.domain('wild');
  const names = [`one.${zone}`, `two.${zone}`];
  const dns = { exec: stage.write('hook.sh', hook), env: { DNS_API: stage.dns.management } };
  const tls = { wildcard: `*.${zone}`, challenge: 'dns', dns };
  site.use({ routes: Object.fromEntries(names.map((name) => [name, { tls }])) });
  const startedAt = performance.now();
  await site.deploy();
  const roots = await rootsOf(stage, site);
  for (const name of names) {
    const everywhere = await until(`${name} has it`, 180, async () => {
      const found = await shownEverywhere(stage.edges, name, roots);
      return found?.by === 'acme' && found;
    });
    assert.deepEqual(everywhere.seen.names, [`*.${zone}`]);
  }
  t.diagnostic(
    `deploy to the wildcard on both edges: ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  assert.equal(issuedBy(await stage.acme.logs()).length, 1, 'the routes share it');
});

test('an issuer that wants an account bound and refuses half of all nonces gives a certificate too', async (t) => {
  const key = randomBytes(32).toString('base64url');
  const strict = await stage.issuer(1, { bindings: { 'key-1': key }, nonceRejects: 50 });
  await stage.resolve([bound]);
  const eab = { key_id: 'key-1', key_file: stage.write('eab.key', key) };
  site.use({ routes: { [bound]: { tls: { issuers: [stage.issuerOf(strict, { eab })] } } } });
  await site.deploy();
  const root = await strict.root();
  await until('both edges show it', 180, async () => {
    const all = await Promise.all(stage.edges.map((edge) => shown(edge, bound, root)));
    return all.every(({ isTrusted }) => isTrusted);
  });
  const log = await strict.logs();
  const posts = [...log.matchAll(/POST \S+ -> calling handler/g)].length;
  t.diagnostic(
    `${posts} requests with a nonce, of which the issuer refused half, for ${callsOf(log).join(', ')}`,
  );
  assert.ok(posts > 10, 'the issuer refused no nonce');
  assert.equal(accountsOf(log), 1);
  assert.equal(issuedBy(log).length, 1);
});

test('an account key that the issuer does not know is told in words, and the private CA serves meanwhile', async (t) => {
  const right = randomBytes(32).toString('base64url');
  const wrong = randomBytes(32).toString('base64url');
  const strict = await stage.issuer(2, { bindings: { 'key-1': right } });
  const domain = stage.domain('unbound');
  await stage.resolve([domain]);
  const eab = { key_id: 'key-1', key_file: stage.write('wrong.key', wrong) };
  site.use({ routes: { [domain]: { tls: { issuers: [stage.issuerOf(strict, { eab })] } } } });
  const output = await site.deploy();
  const roots = await rootsOf(stage, site);
  for (const edge of stage.edges) assert.equal((await issuerOf(edge, domain, roots)).by, 'private');
  const state = await until('the failure is written down', 60, async () => {
    const found = await stage.catalog.state(domain);
    return found?.lastError !== undefined && found;
  });
  t.diagnostic(`${state.lastError?.text} (${state.lastError?.hint}); next try ${state.nextTryAt}`);
  assert.match(state.lastError?.text ?? '', /external account|binding|EAB|JWS/i);
  assert.match(state.lastError?.hint ?? '', /key_file/);
  assert.match(output, /private CA/);
  for (const text of [output, JSON.stringify(state)]) assert.ok(!text.includes(wrong), 'the key is shown');
});

test('the second issuer is asked when the first one is away', async (t) => {
  const domain = stage.domain('fallback');
  await stage.resolve([domain]);
  const away = stage.guest(8).address;
  const issuers = [
    { directory: `https://${away}:14000/dir`, name: 'away' },
    stage.issuerOf(stage.acme, { name: 'there' }),
  ];
  site.use({ routes: { [domain]: { tls: { issuers } } } });
  const startedAt = performance.now();
  await site.deploy();
  const roots = await rootsOf(stage, site);
  await until('the second one’s certificate is on both edges', 300, async () => {
    const everywhere = await shownEverywhere(stage.edges, domain, roots);
    return everywhere?.by === 'acme';
  });
  t.diagnostic(
    `deploy to the second issuer's certificate: ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  assert.equal((await stage.catalog.live(domain))?.issuer, 'there');
});
