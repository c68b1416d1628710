import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseYaml, toJson } from '../compose/index.ts';
import { hashBuildSources, listContextFiles } from './build-sources.ts';
import { readContent } from './contents.ts';
import { type LoadOptions, loadProject } from './load.ts';
import { configJsonSchema, configKeys } from './reference.ts';
import { validateConfig } from './validate.ts';

const root = await mkdtemp(join(tmpdir(), 'seawall-config-'));
after(() => rm(root, { recursive: true, force: true }));

let made = 0;

/** A new folder with these files. */
async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(root, `p${made++}`);
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

const load = (cwd: string, more: Partial<LoadOptions> = {}) =>
  loadProject({ files: [], cwd, env: {}, ...more });

const example = readFileSync(resolve(import.meta.dirname, '../../docs/seawall.example.yml'), 'utf8');

function exampleNode() {
  const parsed = parseYaml({ path: '/example.yml', name: 'example.yml', text: example });
  const node = parsed.documents[0]?.root;
  assert.ok(node);
  return node;
}

test('the annotated example is valid for the program and for editors', () => {
  assert.deepEqual(validateConfig(exampleNode()).problems, []);
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(configJsonSchema());
  assert.equal(validate(toJson(exampleNode())), true, JSON.stringify(validate.errors));
  assert.equal(validate({ rotes: {} }), false);
});

test('the annotated example names every key that there is', () => {
  const missing = configKeys().filter(({ key }) => !new RegExp(`\\b${key.split('.').at(-1)}:`).test(example));
  assert.deepEqual(missing, []);
});

test('every key of seawall.yml has a description', () => {
  for (const { key, text } of configKeys()) assert.match(text, /\.\)?$/, key);
});

test('a Compose file alone is a project on this machine, with its folder as name and no route', async () => {
  const cwd = await folder({ 'docker-compose.yml': 'services: {web: {image: nginx}}' });
  const { value, problems } = await load(cwd);
  assert.deepEqual(problems, []);
  assert.equal(value?.desired.project, cwd.split('/').at(-1));
  assert.deepEqual(value?.config.hosts, [
    { name: 'local', address: '127.0.0.1', roles: ['app', 'edge'], labels: {} },
  ]);
  assert.equal(value?.config.network.link, 'none');
});

test('the override file of a default Compose file counts', async () => {
  const cwd = await folder({
    'compose.yaml': 'services: {web: {image: a}}',
    'compose.override.yaml': 'services: {web: {image: b}}',
  });
  assert.equal((await load(cwd)).value?.desired.services.web?.image, 'b');
});

test('no Compose file at all is a problem that says what to do', async () => {
  const { value, problems } = await load(await folder({}));
  assert.equal(value, undefined);
  assert.match(problems[0]?.remedy ?? '', /compose\.yaml/);
});

test('files of the command line are told apart, and later seawall.yml are laid over earlier ones', async () => {
  const cwd = await folder({
    'app/stack.yaml': 'services: {web: {image: a, expose: [80]}}',
    'seawall.yml':
      'compose: nowhere.yaml\nroutes: {a.example.com: {service: web, tls: off, read_timeout: 5s}}',
    'seawall.lab.yml': 'routes: {a.example.com: {read_timeout: 7s}}\nedge: {http_port: 8080}',
    'cluster.yml': 'keep: {releases: 9}',
  });
  const { value, problems } = await load(cwd, {
    files: ['seawall.yml', 'seawall.lab.yml', 'cluster.yml', 'app/stack.yaml'],
  });
  assert.deepEqual(problems, []);
  assert.equal(value?.desired.routes[0]?.readTimeoutMs, 7000);
  assert.equal(value?.config.edge.httpPort, 8080);
  assert.equal(value?.config.keep.releases, 9);
});

test('replicas given on the command line go before those of the file, and an unknown service is named', async () => {
  const cwd = await folder({
    'compose.yaml':
      'services: {web: {image: a, scale: 2}, db: {image: b, volumes: ["data:/d"]}}\nvolumes: {data: }',
  });
  assert.equal((await load(cwd, { scale: { web: 5 } })).value?.desired.services.web?.replicas, 5);
  assert.match((await load(cwd, { scale: { wbe: 5 } })).problems[0]?.message ?? '', /no service "wbe"/);
  assert.match(
    (await load(cwd, { scale: { db: 2 } })).problems[0]?.message ?? '',
    /cannot write to one volume/,
  );
});

test('services of inactive profiles are gone, active ones are there', async () => {
  const text = 'services: {web: {image: a}, debug: {image: b, profiles: [debug]}}';
  const cwd = await folder({ 'compose.yaml': text });
  const names = async (more: Partial<LoadOptions>) =>
    Object.keys((await load(cwd, more)).value?.desired.services ?? {});
  assert.deepEqual(await names({}), ['web']);
  assert.deepEqual(await names({ profiles: ['debug'] }), ['debug', 'web']);
  assert.deepEqual(await names({ env: { COMPOSE_PROFILES: 'x,debug' } }), ['debug', 'web']);
});

test('COMPOSE_FILE names the files, from the environment before .env; compose: and --file go before it', async () => {
  const cwd = await folder({
    'compose.yaml': 'services: {web: {image: default}}',
    'a.yaml': 'services: {web: {image: a}}',
    'deploy/b.yaml': 'services: {web: {command: [$WHICH]}}',
    '.env': 'COMPOSE_FILE=a.yaml:deploy/b.yaml\nWHICH=cwd',
    'deploy/.env': 'WHICH=deploy',
  });
  const web = async (more: Partial<LoadOptions> = {}) => {
    const { value, problems } = await load(cwd, more);
    assert.deepEqual(problems, []);
    const service = value?.desired.services.web;
    return [service?.image, service?.container.Cmd];
  };
  assert.deepEqual(await web(), ['a', ['cwd']]);
  assert.deepEqual(await web({ files: ['compose.yaml'] }), ['default', undefined]);
  assert.deepEqual(await web({ env: { COMPOSE_FILE: 'compose.yaml' } }), ['default', undefined]);
  const env = { COMPOSE_FILE: 'compose.yaml,deploy/b.yaml', COMPOSE_PATH_SEPARATOR: ',', WHICH: 'env' };
  assert.deepEqual(await web({ env }), ['default', ['env']]);
  assert.deepEqual(await web({ env: { COMPOSE_FILE: '' } }), ['default', undefined]);
  const gone = await load(cwd, { env: { COMPOSE_FILE: 'gone.yaml' } });
  assert.match(gone.problems[0]?.file ?? '', /gone\.yaml$/);
  await writeFile(join(cwd, 'seawall.yml'), 'compose: compose.yaml');
  assert.deepEqual(await web({ env }), ['default', undefined]);
});

test('COMPOSE_PROFILES is read from .env too, blanks do not count; the environment and seawall.yml go before it', async () => {
  const text =
    'services: {web: {image: a}, debug: {image: b, profiles: [debug]}, x: {image: c, profiles: [x]}}';
  const cwd = await folder({ 'compose.yaml': text, '.env': 'COMPOSE_PROFILES=debug , x' });
  const names = async (more: Partial<LoadOptions> = {}) =>
    Object.keys((await load(cwd, more)).value?.desired.services ?? {});
  assert.deepEqual(await names(), ['debug', 'web', 'x']);
  assert.deepEqual(await names({ env: { COMPOSE_PROFILES: 'x' } }), ['web', 'x']);
  assert.deepEqual(await names({ env: { COMPOSE_PROFILES: '' } }), ['web']);
  await writeFile(join(cwd, 'seawall.yml'), 'profiles: [debug]');
  assert.deepEqual(await names(), ['debug', 'web']);
});

test('the name of the project comes from the option, seawall.yml, COMPOSE_PROJECT_NAME, the file; in this order', async () => {
  const cwd = await folder({ 'compose.yaml': 'name: file\nservices: {web: {image: $COMPOSE_PROJECT_NAME}}' });
  const name = async (more: Partial<LoadOptions>) => (await load(cwd, more)).value?.desired.project;
  assert.equal(await name({}), 'file');
  assert.equal(await name({ env: { COMPOSE_PROJECT_NAME: 'env' } }), 'env');
  await writeFile(join(cwd, 'seawall.yml'), 'project: config');
  assert.equal(await name({ env: { COMPOSE_PROJECT_NAME: 'env' } }), 'config');
  assert.equal(await name({ project: 'option' }), 'option');
});

test('the plan never shows a secret: its text stands in the content that is marked as secret and nowhere else', async () => {
  const cwd = await folder({
    'compose.yaml': 'services: {web: {image: a, secrets: [pw]}}\nsecrets: {pw: {environment: PW}}',
  });
  const { value } = await load(cwd, { env: { PW: 'hunter2' } });
  const contents = Object.values(value?.desired.contents ?? {});
  assert.deepEqual(
    contents.map(({ text, secret }) => [text, secret]),
    [['hunter2', true]],
  );
  assert.doesNotMatch(JSON.stringify({ ...value?.desired, contents: {} }), /hunter2/);
});

test('with several hosts each needs an address, and a link between them', async () => {
  const cwd = await folder({
    'compose.yaml': 'services: {web: {image: a}}',
    'seawall.yml': 'hosts: {a: {ssh: u@a}, b: {ssh: u@b, address: 10.0.0.2}}\nnetwork: {link: none}',
  });
  const messages = (await load(cwd)).problems.map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(messages, [
    'hosts.a: the host has no "address"',
    'network.link: several hosts need a link',
  ]);
});

test('hosts that would speak unencrypted over public addresses are refused; a single host may have one', async () => {
  const compose = { 'compose.yaml': 'services: {web: {image: a}}' };
  const two = await folder({
    ...compose,
    'seawall.yml':
      'hosts: {a: {ssh: u@a, address: 100.64.0.1}, b: {ssh: u@b, address: 203.0.113.2}}\nnetwork: {link: vxlan}',
  });
  const messages = (await load(two)).problems.map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(messages, [
    'hosts.b.address: 203.0.113.2 is a public address, and VXLAN does not encrypt what the hosts send each other',
  ]);
  for (const text of [
    'hosts: {a: {ssh: u@a, address: 203.0.113.2}}',
    'hosts: {a: {ssh: u@a, address: 203.0.113.1}, b: {ssh: u@b, address: 203.0.113.2}}',
    'hosts: {a: {ssh: u@a, address: 203.0.113.1}, b: {ssh: u@b, address: 203.0.113.2}}\nnetwork: {link: wireguard, port: 443}',
  ]) {
    const { problems } = await load(await folder({ ...compose, 'seawall.yml': text }));
    assert.deepEqual(problems, [], text);
  }
});

test('a build is known by its sources: contents, modes and options count, the place and ignored files do not', async () => {
  const files = {
    Dockerfile: 'FROM scratch',
    'a/b.txt': '1',
    '.dockerignore': '*.log\n!keep.log\n',
    'x.log': '1',
    'keep.log': '1',
  };
  const first = await folder(files);
  const hash = (context: string, more = {}) => hashBuildSources({ context, ...more }, undefined);
  const original = await hash(first);
  assert.deepEqual(await listContextFiles(first, 'Dockerfile'), [
    '.dockerignore',
    'Dockerfile',
    'a/b.txt',
    'keep.log',
  ]);
  await writeFile(join(first, 'x.log'), '2');
  const moved = join(root, 'moved');
  await rename(first, moved);
  assert.equal(await hash(moved), original);
  assert.notEqual(await hash(moved, { args: { A: '1' } }), original);
  await chmod(join(moved, 'a/b.txt'), 0o755);
  const executable = await hash(moved);
  assert.notEqual(executable, original);
  await writeFile(join(moved, 'a/b.txt'), '2');
  assert.notEqual(await hash(moved), executable);
});

test('a folder is sent up to 200 files and 5 MiB; what is larger, empty, elsewhere or a socket is refused with a remedy', async () => {
  const cwd = await folder({ 'small/a': '1', 'big/a': 'x'.repeat(6 * 1024 * 1024) });
  await mkdir(join(cwd, 'many'));
  await mkdir(join(cwd, 'empty'));
  for (let index = 0; index < 201; index++) await writeFile(join(cwd, 'many', `${index}`), '');
  const read = (path: string) => readContent(path, cwd, 'bind', (name) => name);
  assert.ok('hash' in (await read(join(cwd, 'small'))));
  for (const path of ['big', 'many', 'empty', 'gone', '..', '/etc/hostname', '/var/run/docker.sock']) {
    const fact = await read(resolve(cwd, path));
    assert.ok('remedy' in fact && fact.remedy.length > 0, path);
  }
});

test('a link out of the project does not lead out of it', async () => {
  const cwd = await folder({ 'inside/a': '1' });
  await symlink('/etc', join(cwd, 'link'));
  const fact = await readContent(join(cwd, 'link'), cwd, 'bind', (name) => name);
  assert.match('text' in fact ? fact.text : '', /outside/);
});

test('a variable that is not set is a warning: the project can still be deployed', async () => {
  const cwd = await folder({ 'compose.yaml': 'services:\n  web:\n    image: nginx$NO_SUCH_VARIABLE\n' });
  const { value, problems } = await load(cwd);
  assert.equal(value?.desired.services.web?.image, 'nginx');
  assert.deepEqual(
    problems.map(({ severity, line, column }) => [severity, line, column]),
    [['warning', 3, 12]],
  );
});

/** As somebody whom permissions bind, also where tests run as root. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const said = async (cwd: string) =>
  (await load(cwd)).problems.map(
    ({ line, path, message, remedy }) => `${line} ${path}: ${message}${remedy === undefined ? '!' : ''}`,
  );

test('files that may not be read are problems with a place, unless .dockerignore leaves them out', async () => {
  await chmod(root, 0o755);
  const text = `services:
  web:
    build: .
    volumes: ["./data:/d:ro"]
    secrets: [pw]
secrets: { pw: { file: pw.txt } }`;
  const files = { 'compose.yaml': text, Dockerfile: 'FROM scratch', 'data/a/x': '1', 'pw.txt': 'x' };
  const cwd = await folder({ ...files, '.dockerignore': 'pw.txt' });
  await chmod(join(cwd, 'data/a'), 0);
  await chmod(join(cwd, 'pw.txt'), 0);
  assert.deepEqual(await asNobody(() => said(cwd)), [
    '3 services.web.build.context: data/a cannot be read: permission denied',
    '4 services.web.volumes[0]: data/a cannot be read: permission denied',
    '6 secrets.pw.file: pw.txt cannot be read: permission denied',
  ]);
  await writeFile(join(cwd, '.dockerignore'), 'pw.txt\ndata\n!keep.log');
  assert.deepEqual(
    (await asNobody(() => said(cwd))).filter((line) => line.includes('build')),
    [],
  );
  await chmod(join(cwd, 'data/a'), 0o755);
});

test('what a build lacks is said of that build alone, with its place', async () => {
  const text = `services:
  good: { build: . }
  bad: { build: { context: ., dockerfile: Gone } }
  further:
    build:
      context: .
      additional_contexts: { lib: ./gone }
      secrets: [key]
secrets: { key: { file: gone.key } }`;
  const cwd = await folder({ 'compose.yaml': text, Dockerfile: 'FROM scratch' });
  assert.deepEqual(await said(cwd), [
    `3 services.bad.build.context: there is no Gone in ${cwd}`,
    '7 services.further.build.additional_contexts.lib: gone does not exist',
  ]);
  await mkdir(join(cwd, 'gone'));
  assert.deepEqual((await said(cwd)).slice(1), ['9 secrets.key.file: gone.key does not exist']);
});

test('a wrong pattern in .dockerignore is a problem that names its line', async () => {
  const text = 'services: {web: {build: .}}';
  const files = { 'compose.yaml': text, Dockerfile: 'FROM scratch', '.dockerignore': '*.log\n[z-a]\n' };
  assert.deepEqual(await said(await folder(files)), [
    '1 services.web.build.context: .dockerignore:2: "[z-a]" is no pattern',
  ]);
});

test('services that borrow volumes of each other in a circle are a problem with a place', async () => {
  const text = `services:
  a: { image: i, volumes_from: [b] }
  b: { image: i, volumes_from: [a] }`;
  const [line, ...others] = await said(await folder({ 'compose.yaml': text }));
  assert.match(
    line ?? '',
    /^[23] services\.b.*: these services depend on each other in a circle: a → b → a$/,
  );
  assert.deepEqual(others, []);
});

test('a volume that binds a folder of this machine is refused; one of the host is not', async () => {
  const volumes = async (options: string) => {
    const text = `services: {web: {image: a, volumes: ["data:/d"]}}\nvolumes:\n  data: ${options}`;
    return said(await folder({ 'compose.yaml': text }));
  };
  const refused = ['3 volumes.data.driver_opts.device: this folder is on your machine, not on the hosts'];
  for (const device of ['./data', 'data', '../data', '~/data', `\${PLACE:-./data}`]) {
    for (const o of ['bind', 'bind,ro', 'ro,rbind']) {
      const options = `driver_opts: {type: none, o: "${o}", device: "${device}"}`;
      assert.deepEqual(await volumes(`{driver: local, ${options}}`), refused, `${o} ${device}`);
      assert.deepEqual(await volumes(`{${options}}`), refused, `${o} ${device}`);
    }
  }
  const host = '{driver: local, driver_opts: {type: none, o: bind, device: /srv/data}}';
  const nfs = '{driver: local, driver_opts: {type: nfs, o: "addr=10.0.0.1,rw", device: ":/export"}}';
  assert.deepEqual([await volumes(host), await volumes(nfs)], [[], []]);
});

test('a host to build on must be there', async () => {
  const text = 'services: {web: {build: ., x-seawall: {build: {on: ap1}}}}';
  const { problems } = await load(await folder({ 'compose.yaml': text, Dockerfile: 'FROM scratch' }));
  assert.deepEqual(
    problems.map(({ message, remedy }) => [message, remedy]),
    [['there is no host "ap1" to build on', 'The hosts are local.']],
  );
});
