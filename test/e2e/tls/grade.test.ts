import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { root } from '../lab-links.ts';
import { mustOnHost, onHost } from './host.ts';
import { TlsStage } from './stage.ts';
import { type Finding, scan } from './testssl.ts';
import { rootsOf, shownEverywhere } from './trust.ts';

const stage = await TlsStage.open('grade');
const name = stage.domain('grade');
await stage.resolve([name]);
const site = stage.project({
  name: 'grade',
  tls: { issuers: [stage.issuerOf(stage.acme)] },
  routes: { [name]: {} },
});
await site.deploy();
const roots = await rootsOf(stage, site);
await until('the issuer’s certificate is on both edges', 180, async () => {
  const everywhere = await shownEverywhere(stage.edges, name, roots);
  return everywhere?.by === 'acme';
});
const [edge = ''] = stage.edges;

test('testssl.sh on another machine, with the issuer trusted, grades the edge A+', async (t) => {
  // HSTS is sent after a day; the record says that it has passed.
  const live = await stage.catalog.live(name);
  assert.ok(live?.publicSince !== undefined);
  const publicSince = new Date(Date.parse(live.publicSince) - 25 * 3600 * 1000).toISOString();
  await stage.catalog.write(`seawall/certs/live/${name}`, JSON.stringify({ ...live, publicSince }));
  await until('HSTS is sent', 30, async () => (await hsts()) !== undefined);

  const file = stage.write('testssl.json', '');
  const findings = await scan(stage, edge, name, roots.acme, file);
  const of = (id: string): Finding | undefined => findings.find((each) => each.id === id);
  t.diagnostic(`grade ${of('overall_grade')?.finding}, score ${of('final_score')?.finding}`);
  for (const { id, severity, finding } of findings)
    if (/HIGH|CRITICAL|MEDIUM|WARN/.test(severity)) t.diagnostic(`${severity} ${id}: ${finding}`);
  assert.equal(of('overall_grade')?.finding, 'A+');
  assert.match(of('HSTS_time')?.finding ?? '', /^180 days|15552000/);
  for (const id of ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1'])
    assert.match(of(id)?.finding ?? '', /not offered/, id);
  for (const id of ['cipherlist_NULL', 'cipherlist_3DES_IDEA', 'cipherlist_OBSOLETED'])
    assert.match(of(id)?.finding ?? '', /not offered/, id);
  if (process.env.SEAWALL_RECORD !== undefined) {
    mkdirSync(join(root, 'docs/results'), { recursive: true });
    copyFileSync(file, join(root, 'docs/results/testssl.json'));
  }
});

/** The header's value, asked by a machine that is nobody's; curl checks the certificate. */
async function hsts(): Promise<string | undefined> {
  await mustOnHost(stage.lab, 'foreign', 'cat > /tmp/issuer.pem', roots.acme);
  const to = `--resolve ${name}:443:${edge} --cacert /tmp/issuer.pem`;
  const { stdout } = await onHost(stage.lab, 'foreign', `curl -sI ${to} https://${name}/`);
  return /^strict-transport-security: (.*)$/im.exec(stdout)?.[1]?.trim();
}

test('HSTS is 180 days, for this name alone', async () => {
  assert.equal(await hsts(), 'max-age=15552000');
});

test('of all ports only 80 and 443 answer on an edge, and ssh; on a host without the role only ssh', async (t) => {
  for (const host of ['host1', 'host2', 'host3']) {
    const options = '-n -Pn -p- --open --min-rate 4000 --max-retries 2 -oG -';
    const { stdout } = await onHost(stage.lab, 'foreign', `nmap ${options} ${stage.address(host)}`);
    const open = [...stdout.matchAll(/(\d+)\/open\/tcp/g)].map(([, port]) => Number(port));
    t.diagnostic(`${host}: ${open.join(', ')}`);
    assert.deepEqual(open, host === 'host2' ? [22] : [22, 80, 443], host);
  }
});

/** Old clients: what they say to `openssl s_client`. The security level lets them try what is off by default. */
const OLD = {
  'TLS 1.0': '-tls1 -cipher ALL:@SECLEVEL=0',
  'TLS 1.1': '-tls1_1 -cipher ALL:@SECLEVEL=0',
  'static RSA': '-tls1_2 -cipher AES128-GCM-SHA256:AES256-SHA:AES128-SHA:@SECLEVEL=0',
  'CBC with SHA-1': '-tls1_2 -cipher ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0',
} as const;

test('old clients get no handshake, though the same clients get one of a server that is as old', async () => {
  const shake = async (to: string, options: string): Promise<boolean> => {
    const line = `timeout 20 openssl s_client -connect ${to} -servername ${name} ${options} </dev/null 2>&1`;
    const { stdout } = await onHost(stage.lab, 'foreign', line);
    return /Cipher is (?!\(NONE\))\S+/.test(stdout);
  };
  const old =
    'openssl s_server -accept 8443 -key /tmp/old.key -cert /tmp/old.pem -cipher ALL:@SECLEVEL=0 -min_protocol TLSv1 -www';
  const make =
    'openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/old.key -out /tmp/old.pem -days 2 -subj /CN=old 2>/dev/null';
  await mustOnHost(
    stage.lab,
    'foreign',
    `${make}; setsid ${old} >/dev/null 2>&1 </dev/null & echo $! >/tmp/old.pid`,
  );
  try {
    await until('the old server answers', 30, () => shake('127.0.0.1:8443', ''));
    for (const [what, options] of Object.entries(OLD)) {
      assert.equal(await shake('127.0.0.1:8443', options), true, `negative control: ${what}`);
      for (const address of stage.edges)
        assert.equal(await shake(`${address}:443`, options), false, `${what} at ${address}`);
    }
    for (const protocol of ['-tls1_2', '-tls1_3'])
      assert.equal(await shake(`${edge}:443`, protocol), true, protocol);
  } finally {
    await onHost(stage.lab, 'foreign', 'kill $(cat /tmp/old.pid)');
  }
});
