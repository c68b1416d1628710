/** The private CA as a user runs it: made, used by a private registry that a host's Docker pulls from, revoked. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type CommandResult, tryCommand } from '../../lab/command.ts';
import { findHost, takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import { Docker, type HostLink } from '../../src/hosts/index.ts';
import { labOf, linksTo, root, until } from './lab-links.ts';

const run = promisify(execFile);
const REGISTRY = 'registry.internal:5000';
const IMAGE = `${REGISTRY}/team/site:1`;

let lab: Lab;
let host: HostLink;
let folder = '';
const operator = new Docker('/var/run/docker.sock');

const inFolder = (...names: string[]): string => join(folder, ...names);

/** `bin/seawall` without a terminal. */
const seawall = (...args: readonly string[]): Promise<CommandResult> =>
  tryCommand(join(root, 'bin/seawall'), [...args], { cwd: folder, env: { NO_COLOR: '1' } });

async function expectCode(code: number, ...args: readonly string[]): Promise<CommandResult> {
  const result = await seawall(...args);
  assert.equal(result.code, code, `seawall ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  assert.doesNotMatch(result.stdout + result.stderr, /PRIVATE KEY/);
  return result;
}

interface Listed {
  readonly names: readonly string[];
  readonly kept: { readonly on: unknown } | null;
}
const isOf =
  (name: string) =>
  ({ names }: Listed): boolean =>
    names[0] === name;
const keptOn = ({ kept }: Listed): unknown => kept?.on ?? null;

const json = async (...args: readonly string[]) =>
  JSON.parse((await expectCode(0, ...args, '--json', '--yes')).stdout);

async function onHost(script: string, stdin: string | Uint8Array = ''): Promise<string> {
  const { stdout } = await host.exec(['sh', '-ec', script], { stdin });
  return stdout;
}

/** The program of Debian's package docker-registry, unpacked only. */
async function registryProgram(): Promise<Uint8Array> {
  await run('apt-get', ['download', 'docker-registry'], { cwd: folder });
  const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
  await run('dpkg', ['-x', inFolder(archive), inFolder('unpacked')]);
  return readFile(inFolder('unpacked/usr/bin/docker-registry'));
}

before(async () => {
  lab = await labOf('private-ca-e2e', 1);
  folder = await mkdtemp(join(tmpdir(), 'seawall-private-ca-'));
  const { address } = findHost(lab, 'host1');
  const settings = {
    compose: 'compose.yaml',
    ssh_config: lab.sshConfig,
    hosts: { host1: { ssh: 'host1', address, roles: ['edge', 'app'] } },
    agent: { build_network: 'host' },
  };
  await writeFile(inFolder('seawall.yml'), JSON.stringify(settings));
  await writeFile(
    inFolder('compose.yaml'),
    JSON.stringify({ name: 'site', services: { web: { image: 'nginx:1.30' } } }),
  );
  const [link] = await linksTo(lab, ['host1']);
  assert.ok(link);
  host = link;
  await expectCode(0, 'machine', 'setup', '--yes');
});

after(async () => {
  host?.close();
  operator.close();
  if (lab) await takeDownLab(lab);
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

test('nothing is issued before there is a CA, and the hint makes one', async () => {
  const { stderr } = await expectCode(2, 'ca', 'issue', 'registry.internal', '--out', 'certs');
  assert.match(stderr, /no private CA yet/);
  assert.match(stderr, /seawall ca init/);
  assert.deepEqual(await json('ca', 'ls'), { authority: null, issued: [], lists: null });
});

test('two who make the CA at once get the same one; its limits do not change afterwards', async () => {
  const permits = ['--permit', 'internal', '--permit', '10.0.0.0/8', '--crl-host', 'www.example.internal'];
  const [one, two] = await Promise.all([json('ca', 'init', ...permits), json('ca', 'init', ...permits)]);
  assert.equal(one.fingerprint, two.fingerprint);
  assert.deepEqual(one.permitted, ['10.0.0.0/8', 'internal']);
  const again = await json('ca', 'init');
  assert.equal(again.created, false);
  assert.equal(again.fingerprint, one.fingerprint);
  const { stderr } = await expectCode(2, 'ca', 'init', '--permit', 'example.com');
  assert.match(stderr, /--replace/);
});

test('a certificate comes with its key for the owner alone, and nothing is overwritten unasked', async () => {
  const issued = await json('ca', 'issue', 'registry.internal', '--out', 'certs');
  assert.equal(issued.state, 'valid');
  const mode = async (name: string) => ((await stat(inFolder(name))).mode & 0o777).toString(8);
  assert.equal(await mode('certs'), '700');
  assert.equal(await mode('certs/registry.internal.key'), '600');
  assert.deepEqual((await readdir(inFolder('certs'))).sort(), [
    'ca.crt',
    'registry.internal.crt',
    'registry.internal.key',
  ]);
  await expectCode(2, 'ca', 'issue', 'registry.internal', '--out', 'certs');
  const { stderr } = await expectCode(2, 'ca', 'issue', 'example.com', '--out', 'elsewhere');
  assert.match(stderr, /may not issue for example.com/);
  await assert.rejects(stat(inFolder('elsewhere')));
});

test('a registry serves with it, and a host that trusts the exported root pulls from it; one that does not, does not', async () => {
  const { address } = findHost(lab, 'host1');
  const config = `version: 0.1
storage: { filesystem: { rootdirectory: /var/lib/registry } }
http: { addr: "${address}:5000", tls: { certificate: /etc/registry.crt, key: /etc/registry.key } }
`;
  await onHost(
    'cat > /usr/local/bin/docker-registry && chmod 755 /usr/local/bin/docker-registry',
    await registryProgram(),
  );
  await onHost(`echo '${address} registry.internal' >> /etc/hosts; cat > /etc/registry.yml`, config);
  await onHost('cat > /etc/registry.crt', await readFile(inFolder('certs/registry.internal.crt')));
  await onHost('umask 077; cat > /etc/registry.key', await readFile(inFolder('certs/registry.internal.key')));
  await onHost(
    'mkdir -p /var/lib/registry; setsid docker-registry serve /etc/registry.yml > /var/log/registry.log 2>&1 < /dev/null &',
  );
  await until('the registry answers', async () =>
    /200/.test(await onHost(`curl -sk -o /dev/null -w '%{http_code}' https://${REGISTRY}/v2/ || true`)),
  );
  const stranger = await host.exec(['docker', 'pull', IMAGE]);
  assert.match(stranger.stderr, /unknown authority/);

  await expectCode(0, 'ca', 'export', '--out', 'root.crt');
  const trust = await readFile(inFolder('root.crt'));
  assert.deepEqual(trust, await readFile(inFolder('certs/ca.crt')));
  await onHost(
    `mkdir -p /etc/docker/certs.d/${REGISTRY}; cat > /etc/docker/certs.d/${REGISTRY}/ca.crt`,
    trust,
  );
  await host.docker.loadImages(await operator.saveImages(['nginx:1.30']));
  await host.docker.tagImage('nginx:1.30', IMAGE);
  await onHost(`docker push -q ${IMAGE} && docker rmi ${IMAGE}`);
  assert.match(await onHost(`docker pull -q ${IMAGE}`), /registry.internal:5000\/team\/site:1/);
});

test('a host keeps the certificate of a registry: it is renewed there, the registry told, and Docker pulls on', async (t) => {
  const { address } = findHost(lab, 'host1');
  const name = 'mirror.internal';
  const image = `${name}:5001/team/site:1`;
  const keeps = ['ca', 'issue', name, address, '--host', 'host1', '--dir', '/etc/mirror/tls'];
  await expectCode(2, ...keeps.slice(0, -1), '/etc');
  await expectCode(2, ...keeps, '--client');
  await expectCode(2, ...keeps.slice(0, 4), '--dir', '/etc/mirror/tls');
  await expectCode(2, ...keeps, '--reload', 'mirror:KILL');
  await onHost('mkdir -p /etc/mirror/tls; echo mine > /etc/mirror/tls/ca.crt');
  const refused = await seawall(...keeps);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /ca\.crt is there already/);
  assert.deepEqual(await json('ca', 'ls').then(({ issued }) => issued.filter(isOf(name)).map(keptOn)), [
    null,
  ]);
  await onHost('rm /etc/mirror/tls/ca.crt');
  const { stdout } = await expectCode(0, ...keeps, '--reload', 'mirror:restart');
  t.diagnostic(stdout);
  assert.equal(await onHost("stat -Lc '%a %u' /etc/mirror/tls/mirror.internal.key"), '600 0\n');
  const again = await expectCode(2, ...keeps);
  assert.match(again.stderr, /keeps a certificate for mirror\.internal already in \/etc\/mirror\/tls/);

  const config = `version: 0.1
storage: { filesystem: { rootdirectory: /tmp/registry } }
http: { addr: "${address}:5001", tls: { certificate: /etc/mirror/tls/mirror.internal.crt, key: /etc/mirror/tls/mirror.internal.key } }
`;
  await onHost(`echo '${address} ${name}' >> /etc/hosts; cat > /etc/mirror/config.yml`, config);
  const mounts =
    '-v /usr/local/bin/docker-registry:/usr/local/bin/docker-registry:ro -v /etc/mirror:/etc/mirror:ro';
  await onHost(
    `docker run -d --name mirror --network host ${mounts} --entrypoint docker-registry nginx:1.30 serve /etc/mirror/config.yml`,
  );
  await onHost(
    `mkdir -p /etc/docker/certs.d/${name}:5001; cp /etc/mirror/tls/ca.crt /etc/docker/certs.d/${name}:5001/ca.crt`,
  );
  await host.docker.tagImage('nginx:1.30', image);
  await until(
    'it takes the image',
    async () => (await host.exec(['docker', 'push', '-q', image])).exitCode === 0,
  );
  const pull = () => onHost(`docker rmi ${image} > /dev/null; docker pull -q ${image}`);
  assert.match(await pull(), /mirror\.internal:5001\/team\/site:1/);
  const serial = () =>
    onHost(
      `openssl s_client -connect ${address}:5001 -servername ${name} -CAfile /etc/mirror/tls/ca.crt -verify_return_error < /dev/null 2> /dev/null | openssl x509 -noout -serial || true`,
    );
  const before = await serial();
  assert.match(before, /^serial=/);
  await expectCode(0, 'cert', 'renew', name, '--yes');
  await until(
    'the registry serves with the new one',
    async () => {
      const now = await serial();
      return now !== '' && now !== before;
    },
    60_000,
  );
  assert.match(await pull(), /mirror\.internal:5001\/team\/site:1/);
  const listed = await expectCode(0, 'ca', 'ls');
  t.diagnostic(listed.stdout);
  const { issued, lists } = await json('ca', 'ls');
  assert.equal(lists.problem, null);
  const kept = issued
    .filter(isOf(name))
    .map(keptOn)
    .filter((on: unknown) => on !== null);
  assert.deepEqual(kept, [[{ host: 'host1', folder: '/etc/mirror/tls' }]]);

  await expectCode(0, 'ca', 'revoke', name, '--yes');
  await until('the host keeps it no more', async () => (await onHost('ls /etc/seawall/certificates')) === '');
  assert.match(await onHost('cat /etc/mirror/tls/mirror.internal.crt'), /BEGIN CERTIFICATE/);
  const rest = (await json('ca', 'ls')).issued.filter(isOf(name));
  assert.ok(rest.every(({ state }: { readonly state: string }) => state === 'revoked'));
});

test('with a request the key never leaves its machine', async () => {
  const args = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/', '-keyout', inFolder('own.key')];
  await run('openssl', [...args, '-out', inFolder('own.csr')]);
  const issued = await json('ca', 'issue', 'own.internal', '--csr', 'own.csr', '--out', 'own');
  assert.equal(issued.files.key, null);
  assert.deepEqual((await readdir(inFolder('own'))).sort(), ['ca.crt', 'own.internal.crt']);
});

test('what is revoked stands in the list, and clients that look at it refuse it', async () => {
  const verdict = async (): Promise<string> => {
    await expectCode(0, 'ca', 'export', '--crl', '--out', 'list.pem', '--force');
    const chain = inFolder('certs/registry.internal.crt');
    const files = [
      '-CAfile',
      inFolder('root.crt'),
      '-CRLfile',
      inFolder('list.pem'),
      '-untrusted',
      chain,
      chain,
    ];
    return run('openssl', ['verify', '-x509_strict', '-crl_check', ...files]).then(
      () => 'OK',
      (error: { stderr?: string }) => String(error.stderr),
    );
  };
  assert.equal(await verdict(), 'OK');
  await expectCode(2, 'ca', 'revoke', 'registry.internal');
  assert.equal(await verdict(), 'OK');
  const { revoked, crlNumber } = await json(
    'ca',
    'revoke',
    'registry.internal',
    '--reason',
    'key-compromise',
  );
  assert.equal(revoked.length, 1);
  assert.equal(crlNumber, 3);
  assert.match(await verdict(), /revoked/);
  const { issued } = await json('ca', 'ls');
  const states = issued
    .filter((each: Listed) => !isOf('mirror.internal')(each))
    .map(({ names, state }: { names: string[]; state: string }) => [names[0], state]);
  assert.deepEqual(states.sort(), [
    ['own.internal', 'valid'],
    ['registry.internal', 'revoked'],
  ]);
  await expectCode(2, 'ca', 'revoke', revoked[0], '--yes');
});

test('another CA takes its place only when that is said, and what the old one issued is known as replaced', async () => {
  const before = await json('ca', 'init');
  const { created, fingerprint, permitted, crlHost } = await json('ca', 'init', '--replace');
  assert.equal(created, true);
  assert.notEqual(fingerprint, before.fingerprint);
  assert.deepEqual([permitted, crlHost], [[], 'www.example.internal']);
  const { stdout } = await expectCode(0, 'ca', 'ls');
  assert.match(stdout, /own\.internal .* replaced/);
});
