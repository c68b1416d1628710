/** Certificates of services that speak HTTPS themselves: laid before they start, verified by the edge, renewed under load. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, tryCommand } from '../../lab/command.ts';
import { findHost, takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import type { HostLink } from '../../src/hosts/index.ts';
import { labOf, linksTo, root, until } from './lab-links.ts';
import { startLoad } from './load/start.ts';
import { ask } from './tls/visitor.ts';

const DOMAIN = 'secure.example.internal';
const CLOSED = 'closed.example.internal';
const ID = '_service.secure.api';

let lab: Lab;
let edge: HostLink;
let app: HostLink;
let folder = '';
let address = '';
let trust = '';

const seawall = (...args: readonly string[]): Promise<CommandResult> =>
  tryCommand(join(root, 'bin/seawall'), [...args], { cwd: folder, env: { NO_COLOR: '1' } });

async function expectCode(code: number, ...args: readonly string[]): Promise<CommandResult> {
  const result = await seawall(...args);
  assert.equal(result.code, code, `seawall ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  assert.doesNotMatch(result.stdout + result.stderr, /PRIVATE KEY/);
  return result;
}

async function on(host: HostLink, script: string): Promise<string> {
  const { stdout } = await host.exec(['sh', '-ec', script]);
  return stdout.trim();
}

const describeService = (certificate: unknown) => ({
  build: { context: '.', network: 'host' },
  expose: ['8443'],
  healthcheck: {
    test: ['CMD', 'node', 'app.mjs', 'check'],
    interval: '2s',
    timeout: '5s',
    start_period: '20s',
  },
  deploy: { replicas: 2 },
  'x-seawall': { drain: '5s', certificate },
});

const writeCompose = (certificate: unknown): Promise<void> =>
  writeFile(
    join(folder, 'compose.yaml'),
    JSON.stringify({ name: 'secure', services: { api: describeService(certificate) } }),
  );

/** Serial numbers with which the replicas serve, as the edge got them. */
async function served(): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(address, DOMAIN, trust)));
  for (const { status, body } of answers) assert.equal(status, 200, body);
  return new Set(answers.map(({ body }) => (JSON.parse(body) as { readonly serial: string }).serial));
}

before(async () => {
  lab = await labOf('upstream-certificate-e2e', 2);
  folder = await mkdtemp(join(tmpdir(), 'seawall-upstream-'));
  cpSync(join(root, 'test/e2e/apps/secure'), folder, { recursive: true });
  address = findHost(lab, 'host1').address;
  const settings = {
    ssh_config: lab.sshConfig,
    hosts: {
      host1: { ssh: 'host1', address, roles: ['edge', 'app'] },
      host2: { ssh: 'host2', address: findHost(lab, 'host2').address, roles: ['app'] },
    },
    routes: {
      [DOMAIN]: { service: 'api', port: 8443, tls: 'internal', upstream_tls: true },
      [CLOSED]: {
        ...{ service: 'api', port: 8443, upstream_tls: true },
        tls: { issuers: ['internal'], client_ca: 'internal' },
      },
    },
    agent: { build_network: 'host' },
  };
  await writeFile(join(folder, 'seawall.yml'), JSON.stringify(settings));
  await writeCompose({ reload: 'SIGHUP' });
  const links = await linksTo(lab, ['host1', 'host2']);
  assert.ok(links[0] && links[1]);
  [edge, app] = [links[0], links[1]];
});

after(async () => {
  edge?.close();
  app?.close();
  if (lab) await takeDownLab(lab);
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

test('a deploy lays the certificate before a replica starts, readable for its user alone, and the edge verifies it', async (t) => {
  const { stdout } = await expectCode(0, 'deploy', '--yes');
  t.diagnostic(stdout);
  await expectCode(0, 'ca', 'export', '--out', 'root.pem', '--force');
  trust = await readFile(join(folder, 'root.pem'), 'utf8');
  const serials = await served();
  assert.equal(serials.size, 1);
  for (const host of [edge, app]) {
    const place = `/var/lib/seawall/certificates/${ID}`;
    assert.equal(await on(host, `stat -Lc '%a %u:%g' ${place}/key.pem`), '400 1000:1000');
    assert.equal(
      await on(host, `stat -Lc '%a %u:%g' ${place}/cert.pem ${place}/ca.pem | sort -u`),
      '444 0:0',
    );
    assert.equal(await on(host, `stat -c '%a' /etc/seawall/certificates/${ID}.json`), '600');
    const names = await on(host, `openssl x509 -in ${place}/cert.pem -noout -ext subjectAltName`);
    assert.match(names, /DNS:api\.secure\.internal, DNS:api/);
    const container = await on(host, 'docker ps -q --filter label=seawall.service=api | head -n 1');
    assert.match(
      await on(host, `docker inspect ${container}`),
      /"Destination": "\/run\/seawall\/tls"[^}]*"RW": false/s,
    );
    assert.doesNotMatch(await on(host, `docker inspect ${container}`), /PRIVATE KEY/);
  }
});

test('replicas reach each other by the names of the service, verified by ca.pem', async () => {
  const container = await on(app, 'docker ps -q --filter label=seawall.service=api | head -n 1');
  const script = `const { get } = require('node:https'); const ca = require('node:fs').readFileSync('/run/seawall/tls/ca.pem');
for (const name of ['api', 'api.secure.internal']) get('https://' + name + ':8443/', { ca }, (r) => console.log(name, r.statusCode, r.socket.authorized)).on('error', (e) => console.log(name, e.message));`;
  const { stdout } = await app.exec(['docker', 'exec', '-i', container, 'node', '-'], { stdin: script });
  const said = stdout.trim();
  assert.deepEqual(said.split('\n').sort(), ['api 200 true', 'api.secure.internal 200 true']);
});

test('it is renewed under load without a failed request, on every host, and the programs are told', async (t) => {
  const before = await served();
  const trustFile = join(folder, 'root.pem');
  const load = startLoad({
    url: `https://${address}`,
    hostHeader: DOMAIN,
    trust: trustFile,
    rate: 20,
    seconds: 300,
    mix: 'get=100',
    fresh: 0.2,
  });
  try {
    for (let round = 0; round < 3; round += 1) {
      const last = await served();
      await expectCode(0, 'cert', 'renew', 'api.secure.internal', '--yes');
      await until(
        'all replicas serve with the new one',
        async () => {
          const now = await served();
          return now.size === 1 && [...now].every((serial) => !last.has(serial));
        },
        60_000,
      );
    }
  } finally {
    const report = await load.stop();
    t.diagnostic(JSON.stringify(report).slice(0, 600));
    assert.equal(report.failed, 0);
    assert.ok(report.requests > 30);
  }
  const now = await served();
  assert.ok([...now].every((serial) => !before.has(serial)));
  const started = await on(app, "docker ps --filter label=seawall.service=api --format '{{.Status}}'");
  assert.doesNotMatch(started, /Restart/);
});

/** What a client with the certificate in a folder sees; 0: no answer. */
async function closedTo(name: string): Promise<number> {
  const at = join(folder, name, `${name}.example.internal`);
  const [cert, key] = await Promise.all([readFile(`${at}.crt`, 'utf8'), readFile(`${at}.key`, 'utf8')]);
  const call = request({
    ...{ host: address, port: 443, servername: CLOSED, headers: { host: CLOSED }, agent: false },
    ...{ ca: trust, cert, key },
  });
  call.end();
  try {
    const [response] = await once(call, 'response');
    response.resume();
    return response.statusCode;
  } catch {
    return 0;
  }
}

test('a client of the private CA is let in until it is revoked, and others go on', async () => {
  for (const name of ['ann', 'bob'])
    await expectCode(0, 'ca', 'issue', `${name}.example.internal`, '--client', '--out', name);
  await until('ann is let in', async () => (await closedTo('ann')) === 200);
  await expectCode(0, 'ca', 'revoke', 'ann.example.internal', '--yes');
  await until('ann is refused', async () => (await closedTo('ann')) === 400);
  assert.equal(await closedTo('bob'), 200);
  assert.equal((await served()).size, 1);
});

test('other names are served and asked for without a failed request between', async (t) => {
  await writeCompose({ reload: 'SIGHUP', names: ['backend.internal', 'api'] });
  const load = startLoad({
    ...{ url: `https://${address}`, hostHeader: DOMAIN, trust: join(folder, 'root.pem') },
    ...{ rate: 20, seconds: 300, mix: 'get=100', fresh: 0.2 },
  });
  try {
    await expectCode(0, 'deploy', '--yes');
  } finally {
    const { requests, failed, failures } = await load.stop();
    t.diagnostic(`${requests} requests, ${failed} failed`);
    assert.deepEqual(failures, []);
  }
  const names = () =>
    on(
      app,
      `openssl x509 -in /var/lib/seawall/certificates/${ID}/cert.pem -noout -ext subjectAltName | tail -n 1`,
    );
  assert.equal(await names(), 'DNS:backend.internal, DNS:api, DNS:api.secure.internal');
  await expectCode(0, 'cert', 'renew', 'backend.internal', '--yes');
  const isNew = async () => (await names()) === 'DNS:backend.internal, DNS:api';
  await until('the name before is gone', isNew, 60_000);
  await until('all serve with it', async () => (await served()).size === 1);
  await writeCompose({ reload: 'SIGHUP' });
  await expectCode(0, 'deploy', '--yes');
});

test('ps, ca ls and cert ls know it, and it is well', async (t) => {
  const { stdout } = await expectCode(0, 'cert', 'ls');
  t.diagnostic(stdout);
  assert.match(stdout, /in \/var\/lib\/seawall\/certificates\/_service\.secure\.api on host2/);
  await expectCode(0, 'check', '--certificates');
});

test('scaled down, the host without a replica has no key; taken down, none has', async () => {
  await expectCode(0, 'scale', 'api=1', '--yes');
  const has = async (host: HostLink): Promise<string> =>
    on(
      host,
      `ls /var/lib/seawall/certificates/${ID}/key.pem /etc/seawall/certificates/${ID}.json 2>/dev/null | wc -l`,
    );
  await until('one host has it', async () => [await has(edge), await has(app)].sort().join() === '0,2');
  assert.equal((await served()).size, 1);
  await expectCode(0, 'down', '--yes');
  await until('none has it', async () => [await has(edge), await has(app)].join() === '0,0');
});
