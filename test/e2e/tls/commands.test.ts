import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../../lab/command.ts';
import { until } from '../../until.ts';
import { issuedBy } from './pebble-log.ts';
import { TlsStage } from './stage.ts';
import { rootsOf, shownEverywhere } from './trust.ts';
import { shown } from './visitor.ts';

const stage = await TlsStage.open('commands');
const name = stage.domain('command');
const site = stage.project({ name: 'commands', routes: { [name]: {} } });
await stage.resolve([name]);
await site.deploy();
const roots = await rootsOf(stage, site);
const serial = async (of = name): Promise<string> => {
  const everywhere = await shownEverywhere(stage.edges, of, roots);
  return everywhere?.by === 'acme' ? everywhere.seen.serial : '';
};
await until('the certificate is there', 180, async () => (await serial()) !== '');

interface Listed {
  readonly names: readonly string[];
  readonly kind: string;
  readonly issuer: string;
  readonly health: string;
  readonly renewAt: string | null;
}

test('cert ls names issuer, names, expiry and the next renewal', async (t) => {
  // Other tests' certificates may fail in the same cluster: the exit code says so too.
  const { stdout } = await site.run(['cert', 'ls']);
  t.diagnostic(stdout);
  assert.match(stdout, new RegExp(name));
  const json = await site.run(['cert', 'ls', '--json']);
  assert.doesNotMatch(json.stdout, /PRIVATE KEY/);
  const listed = JSON.parse(json.stdout) as readonly Listed[];
  const own = listed.find(({ names }) => names.includes(name));
  assert.deepEqual([own?.kind, own?.health], ['acme', 'ok']);
  assert.ok(Date.parse(own?.renewAt ?? '') > Date.now());
  const isBad = listed.some(({ health }) => health !== 'ok' && health !== 'pending');
  assert.equal(json.code, isBad ? 1 : 0);
});

test('cert renew --dry-run rehearses with the other directory and changes nothing', async (t) => {
  const before = await serial();
  const [real, rehearsed] = await Promise.all([stage.acme.logs(), stage.staging.logs()]);
  const { stdout } = await site.expect(0, ['cert', 'renew', name, '--dry-run']);
  t.diagnostic(stdout);
  assert.equal(await serial(), before);
  assert.equal(issuedBy(await stage.acme.logs()).length, issuedBy(real).length);
  assert.equal(issuedBy(await stage.staging.logs()).length, issuedBy(rehearsed).length + 1);
});

test('cert renew waits until the new certificate is there', async (t) => {
  const before = await serial();
  const { stdout } = await site.expect(0, ['cert', 'renew', name, '--yes']);
  t.diagnostic(stdout);
  await until('both edges show it', 60, async () => {
    const now = await serial();
    return now !== '' && now !== before;
  });
});

test('a renewal that fails says why and what to do, and what serves goes on', async (t) => {
  const before = await serial();
  await stage.resolve([name], []);
  try {
    const failed = await site.run(['cert', 'renew', name, '--dry-run']);
    t.diagnostic(`exit code ${failed.code}: ${failed.stdout}${failed.stderr}`);
    assert.notEqual(failed.code, 0);
    assert.match(failed.stdout + failed.stderr, /DNS|address|resolve/i);
  } finally {
    await stage.resolve([name]);
  }
  assert.equal(await serial(), before);
});

test('cert revoke tells the issuer, and another certificate takes its place', async (t) => {
  const before = await serial();
  const { stdout } = await site.expect(0, ['cert', 'revoke', name, '--yes']);
  t.diagnostic(stdout);
  const { Status } = await stage.acme.status(before.replace(/^0+/, ''));
  assert.equal(Status, 'Revoked');
  await until('both edges show another one', 180, async () => {
    const now = await serial();
    return now !== '' && now !== before;
  });
});

test('cert issue orders a certificate that no route names, and cert rm ends that', async (t) => {
  const extra = stage.domain('extra');
  await stage.resolve([extra]);
  const { stdout } = await site.expect(0, ['cert', 'issue', extra]);
  t.diagnostic(stdout);
  await until('it is in the catalog', 180, async () => {
    const live = await stage.catalog.live(extra);
    return live !== undefined && !live.isInterim;
  });
  assert.match((await site.run(['cert', 'ls'])).stdout, new RegExp(extra));
  await site.expect(0, ['cert', 'rm', extra, '--yes']);
});

test('cert import keeps a given certificate and says that nothing serves it, and refuses one whose key is another’s', async (t) => {
  const given = stage.domain('given');
  const make = async (file: string): Promise<string> => {
    const base = join(stage.folder, file);
    await runCommand('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '80'],
      ...['-subj', `/CN=${given}`, '-addext', `subjectAltName=DNS:${given}`],
      ...['-keyout', `${base}.key`, '-out', `${base}.pem`],
    ]);
    return base;
  };
  const [mine, others] = [await make('mine'), await make('others')];
  const wrong = await site.run(['cert', 'import', given, '--cert', `${mine}.pem`, '--key', `${others}.key`]);
  assert.equal(wrong.code, 2, wrong.stdout + wrong.stderr);
  t.diagnostic(wrong.stderr);
  const imported = await site.run(['cert', 'import', given, '--cert', `${mine}.pem`, '--key', `${mine}.key`]);
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  assert.match(imported.stdout, /kept, not served: no route has this name/);
  const key = readFileSync(`${mine}.key`, 'utf8');
  for (const text of [wrong.stdout, wrong.stderr, imported.stdout, imported.stderr])
    assert.ok(!text.includes(key.split('\n')[1] ?? key), 'a key is shown');
  await site.expect(0, ['cert', 'rm', given, '--yes']);
  const tls = { certificate: `${mine}.pem`, key: `${mine}.key` };
  site.use({ routes: { [name]: {}, [given]: { tls } } });
  await site.deploy();
  const trust = readFileSync(`${mine}.pem`, 'utf8');
  await until('both edges show it', 60, async () => {
    const all = await Promise.all(stage.edges.map((edge) => shown(edge, given, trust)));
    return all.every(({ isTrusted }) => isTrusted);
  });
});
