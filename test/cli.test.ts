import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

const seawall = resolve(import.meta.dirname, '../bin/seawall');

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seawall-cli-'));
});

after(() => rm(folder, { recursive: true, force: true }));

/** Runs the program as a user does: a process of its own, in a folder of its own, no terminal. */
function call(
  args: readonly string[],
  env: Record<string, string> = {},
  program = seawall,
): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

const write = (name: string, text: string) => writeFile(join(folder, name), text);

async function writeProject(): Promise<void> {
  await write('compose.yaml', 'name: shop\nservices:\n  web:\n    image: nginx:1.30\n    ports: ["80"]\n');
  await write('seawall.yml', 'routes:\n  shop.localhost: { service: web, port: 80, tls: "off" }\n');
}

test('a service of an inactive profile is not said to be missing', async () => {
  await writeProject();
  await write('tools.yaml', 'services:\n  shell:\n    image: nginx:1.30\n    profiles: [tools]\n');
  const files = ['--file', 'seawall.yml', '--file', 'compose.yaml', '--file', 'tools.yaml'];
  const { code, stderr } = await call([...files, 'build', 'shell']);
  assert.equal(code, 2);
  assert.match(stderr, /shell is only there with the profile "tools", which is not active/);
  assert.match(stderr, /--profile tools/);
});

test('metrics are of the whole cluster, and of one that does not answer there are none', async () => {
  await writeProject();
  await write('seawall.yml', 'hosts:\n  gone: { ssh: ssh://root@127.0.0.1:1 }\n');
  const files = ['--file', 'seawall.yml', '--file', 'compose.yaml'];
  const one = await call([...files, 'metrics', '--host', 'gone']);
  assert.deepEqual([one.code, one.stdout], [2, '']);
  assert.match(one.stderr, /metrics concerns all hosts/);
  const away = await call([...files, 'metrics']);
  assert.deepEqual([away.code, away.stdout], [5, '']);
  const json = await call([...files, 'metrics', '--json']);
  assert.equal(json.code, 5);
  assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'unreachable');
});

test('who names a service for run has its profile active, and is told of the host that does not answer', async () => {
  await writeProject();
  await write('seawall.yml', 'hosts:\n  gone: { ssh: ssh://root@127.0.0.1:1 }\n');
  await write('tools.yaml', 'services:\n  shell:\n    image: nginx:1.30\n    profiles: [tools]\n');
  const files = ['--file', 'seawall.yml', '--file', 'compose.yaml', '--file', 'tools.yaml'];
  const { code, stderr } = await call([...files, 'run', 'shell']);
  assert.equal(code, 125);
  assert.doesNotMatch(stderr, /profile|not set up/);
  assert.match(stderr, /gone/);
  assert.match((await call([...files, 'run', 'shel'])).stderr, /Did you mean shell\?/);
});

test('--help lists every command, from a link in another folder too', async () => {
  const link = join(folder, 'seawall-link');
  await symlink(seawall, link);
  const { code, stdout, stderr } = await call(['--help'], {}, link);
  assert.equal(code, 0);
  assert.equal(stderr, '');
  for (const command of [
    'check',
    'plan',
    'deploy',
    'scale',
    'rollback',
    'ps',
    'logs',
    'exec',
    'run',
    'down',
    'machine',
  ]) {
    assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'));
  }
});

test('every command explains itself, with an example', async () => {
  const commands = [
    'check',
    'plan',
    'deploy',
    'up',
    'scale',
    'rollback',
    'ps',
    'logs',
    'releases',
    'exec',
    'run',
    'down',
    'machine ls',
    'machine setup',
    'lock status',
    'lock release',
    'docs',
    'build',
  ];
  for (const command of commands) {
    const { code, stdout } = await call([...command.split(' '), '--help']);
    assert.equal(code, 0, command);
    assert.match(stdout, /^Usage: seawall /, command);
    assert.match(stdout, /^Examples?:\n {2}\S/m, command);
    assert.match(stdout, /--json/, command);
  }
});

test('help COMMAND is COMMAND --help', async () => {
  const [first, second] = await Promise.all([call(['help', 'plan']), call(['plan', '--help'])]);
  assert.deepEqual(first, second);
});

test('a mistyped command or option is refused with what was probably meant', async () => {
  const command = await call(['depoly']);
  assert.deepEqual(command, {
    code: 2,
    stdout: '',
    stderr: "✘ unknown command 'depoly'\n  → Did you mean deploy? See seawall --help\n",
  });
  const option = await call(['plan', '--exitcode']);
  assert.equal(option.code, 2);
  assert.match(
    option.stderr,
    /unknown option '--exitcode'\n {2}→ Did you mean --exit-code\? See seawall plan --help/,
  );
  const inner = await call(['machine', 'sl']);
  assert.equal(inner.code, 2);
  assert.match(inner.stderr, /Did you mean ls\?/);
});

test('the version is told by option and by command, as JSON too', async () => {
  const [option, command] = await Promise.all([call(['--version']), call(['version', '--json'])]);
  const { version } = JSON.parse(command.stdout) as { version: string };
  assert.match(option.stdout, new RegExp(`^seawall ${version} \\(Node \\d+`));
});

test('every problem of the files is shown at once, with place, excerpt and what to write', async () => {
  await writeProject();
  await write('seawall.yml', 'routes:\n  shop.localhost: { sevice: web, port: 99999, tls: "off" }\n');
  const { code, stdout, stderr } = await call(['check']);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /seawall\.yml:2:\d+/);
  assert.match(stderr, /sevice/);
  assert.match(stderr, /service/);
  assert.match(stderr, /99999/);
  assert.match(stderr, /\^+/);
  const json = await call(['check', '--json']);
  assert.equal(json.code, 2);
  const { error, problems } = JSON.parse(json.stdout) as {
    error: { code: string };
    problems: { line: number }[];
  };
  assert.equal(error.code, 'input');
  assert.ok(problems.length >= 2);
});

test('good files are ok, and what was understood differently is said', async () => {
  await writeProject();
  const { code, stdout, stderr } = await call(['check']);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /✔ ok: shop, 1 service, 1 route, 1 host\n$/);
});

test('certificates: what cannot be meant is refused before a host is touched', async () => {
  await writeProject();
  const calls: readonly (readonly [readonly string[], RegExp])[] = [
    [['cert', 'issue', '; rm -rf /'], /"; rm -rf \/" is no domain/],
    [['cert', 'issue', 'mail.localhost'], /no public CA issues certificates for mail\.localhost/],
    [
      ['cert', 'import', 'a.org', '--cert', 'gone.pem', '--key', 'gone.key'],
      /the file of --cert cannot be read/,
    ],
    [
      ['cert', 'import', 'a.org', '--cert', 'compose.yaml', '--key', 'compose.yaml'],
      /there is no certificate in it/,
    ],
    [['cert', 'import', 'a.org', '--cert', 'compose.yaml'], /--key/],
    [['cert', 'revoke', 'a.org', '--reason', 'boredom'], /--reason boredom is none/],
    [['cert', 'renw'], /Did you mean renew\?/],
  ];
  for (const [args, message] of calls) {
    const { code, stderr, stdout } = await call(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.match(stderr, /→/, args.join(' '));
  }
});

test('a name that no public CA knows has to say how it is served', async () => {
  await writeProject();
  await write('seawall.yml', 'routes:\n  shop.localhost: web:80\n');
  const { code, stderr } = await call(['check']);
  assert.equal(code, 2);
  assert.match(stderr, /no public CA issues certificates for shop\.localhost/);
  assert.match(stderr, /→ Write tls: internal .* or tls: off/);
});

test("no file at all is the user's mistake, with the way to mend it", async () => {
  const empty = await mkdtemp(join(folder, 'empty-'));
  const { code, stderr } = await call(['plan', '--file', join(empty, 'compose.yaml')]);
  assert.equal(code, 2);
  assert.match(stderr, /compose\.yaml/);
});

const noDocker = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

test('no Docker: what does not answer is named, and the exit code is its own', async () => {
  await writeProject();
  for (const args of [
    ['ps'],
    ['logs'],
    ['deploy', '--yes'],
    ['machine', 'ls'],
    ['check', '--certificates'],
  ]) {
    const { code, stdout, stderr } = await call(args, noDocker);
    assert.equal(code, 5, `${args}: ${stderr}`);
    assert.match(stdout + stderr, /no Docker answers at \/nonexistent\/docker\.sock/, args.join(' '));
  }
});

test('a plan with a host that does not answer shows it and exits with 5', async () => {
  await writeProject();
  const { code, stdout } = await call(['plan'], noDocker);
  assert.match(stdout, /✘ hosts\.local: does not answer/);
  assert.equal(code, 5);
});

test('warnings of the files are shown before anything is done with them, and stand in the JSON of a plan', async () => {
  await writeProject();
  await write(
    'compose.yaml',
    'name: shop\nservices:\n  web:\n    image: nginx:1.30$EXTRA\n    ports: ["80"]\n    build: .\n',
  );
  await write('Dockerfile', 'FROM scratch\n');
  const commands = [['plan'], ['deploy', '--yes'], ['scale', 'web=2'], ['build'], ['run', 'web', 'true']];
  const outcomes = await Promise.all(commands.map((args) => call(args, noDocker)));
  outcomes.forEach(({ stderr }, index) => {
    assert.match(stderr, /^compose\.yaml:4:\d+ .*EXTRA[\s\S]*1 warning\n/, commands[index]?.join(' '));
  });
  const { stdout, stderr } = await call(['plan', '--json'], noDocker);
  assert.equal(stderr, '');
  const { problems } = JSON.parse(stdout) as { problems: { severity: string; line: number }[] };
  assert.deepEqual(
    problems.map(({ severity, line }) => [severity, line]),
    [['warning', 4]],
  );
  assert.equal((await call(['ps'], noDocker)).stderr.includes('EXTRA'), false);
});

test("run and exec keep 125 for failures that are not the program's", async () => {
  await writeProject();
  for (const args of [
    ['exec', 'web', 'true'],
    ['run', 'web', 'true'],
    ['exec', 'wbe', 'true'],
    ['exec', '--nonsense', 'web'],
  ]) {
    const { code, stderr } = await call(args, noDocker);
    assert.equal(code, 125, `${args}: ${stderr}`);
  }
});

test('options of a program that exec or run starts are not options of Seawall', async () => {
  await writeProject();
  const calls: readonly (readonly [readonly string[], boolean])[] = [
    [['exec', 'web', 'tool', '--json'], false],
    [['run', '--user', 'app', 'web', 'tool', '--json'], false],
    [['exec', '-e', 'X=1', '--json', 'web', 'tool'], true],
    [['--json', 'run', 'web', 'tool'], true],
  ];
  const outcomes = await Promise.all(calls.map(([args]) => call(args, noDocker)));
  outcomes.forEach(({ code, stdout, stderr }, index) => {
    const [args, isJson] = calls[index] ?? [[], false];
    assert.equal(code, 125, args.join(' '));
    if (isJson) assert.equal(typeof JSON.parse(stdout), 'object', args.join(' '));
    else assert.match(stderr, /^✘ /, args.join(' '));
    assert.equal((isJson ? stderr : stdout) === '', true, args.join(' '));
  });
  const quiet = await call(['exec', 'web', 'tool', '--verbose'], noDocker);
  assert.doesNotMatch(quiet.stderr, /because:/);
  assert.match((await call(['exec', '--verbose', 'web', 'tool'], noDocker)).stderr, /because:/);
});

test('--host is refused where half a project would be changed, and an unknown host is named', async () => {
  await writeProject();
  const half = await call(['deploy', '--host', 'local', '--yes'], noDocker);
  assert.equal(half.code, 2);
  assert.match(half.stderr, /deploy concerns all hosts/);
  const unknown = await call(['ps', '--host', 'lcal'], noDocker);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /Did you mean local\?/);
});

test('an error with --json is one JSON value on standard output', async () => {
  await writeProject();
  const { code, stdout, stderr } = await call(['ps', '--json'], noDocker);
  assert.equal(code, 5);
  assert.equal(stderr, '');
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'unreachable');
});

test('docs explains a key of seawall.yml and of the Compose file', async () => {
  const [own, compose, none] = await Promise.all([
    call(['docs', 'hosts.app1.ssh']),
    call(['docs', 'update_config']),
    call(['docs', 'prots']),
  ]);
  assert.match(own.stdout, /^hosts\.\*\.ssh \(seawall\.yml\)\n {2}Destination as for ssh/);
  assert.match(compose.stdout, /^services\.\*\.deploy\.update_config/);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /Did you mean ports\?/);
});

test('a reader that has seen enough is no failure', async () => {
  const pipe = spawn('sh', ['-c', `"${seawall}" docs | head -n 1; echo "rest"`], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  pipe.stderr.on('data', (text) => (errors += text));
  const code = await new Promise((done) => pipe.on('close', done));
  assert.equal(errors, '');
  assert.equal(code, 0);
});
