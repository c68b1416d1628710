/** Whatever a user can write reaches its place as it is, and nothing else. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, expectCode, onHost, projectFolder, seawall, until } from '../core/stage.ts';

const HOSTILE = [
  '; touch /tmp/pwned #',
  '$(touch /tmp/pwned)',
  '`touch /tmp/pwned`',
  "'; touch /tmp/pwned; '",
  '"; touch /tmp/pwned; "',
  '-rf / --no-preserve-root',
  'two\nlines\r\nand\ttabs',
  '} location / { return 200 "pwned"; } #',
  `{{ .Secret }} %s %n ${'{PATH}'}`,
  'ünï©ødé 日本 🦀 \u202e',
];

/** As YAML takes it: JSON, with Compose's own sign for a dollar. */
const written = (value: unknown): string => JSON.stringify(value).replaceAll('$', '$$$$');

const app = projectFolder('shop', 'hostile');
mkdirSync(join(app.folder, 'content'));
for (const [index, text] of HOSTILE.entries())
  writeFileSync(join(app.folder, 'content', `secret-${index}`), text);
const environment = Object.fromEntries(HOSTILE.map((text, index) => [`HOSTILE_${index}`, text]));
const labels = Object.fromEntries(HOSTILE.map((text, index) => [`hostile.${index}`, text]));
const show = `const fs = require('fs'); require('http').createServer((_, s) => s.end(JSON.stringify({
  environment: process.env, argv: process.argv.slice(1), files: Object.fromEntries(fs.readdirSync('/run/secrets').map((name) => [name, fs.readFileSync('/run/secrets/' + name, 'utf8')])),
}))).listen(8000)`;
writeFileSync(
  join(app.folder, 'compose.yaml'),
  written({
    name: 'hostile',
    services: {
      web: {
        image: 'node:24-slim',
        command: ['node', '-e', show, '--', ...HOSTILE],
        environment,
        labels,
        secrets: HOSTILE.map((_, index) => `s${index}`),
        expose: ['8000'],
        deploy: { replicas: 2 },
      },
    },
    secrets: Object.fromEntries(
      HOSTILE.map((_, index) => [`s${index}`, { file: `content/secret-${index}` }]),
    ),
  }),
);
writeFileSync(
  join(app.folder, 'seawall.yml'),
  'routes:\n  hostile.example: { service: web, port: 8000, tls: off }\n',
);

interface Seen {
  readonly environment: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

test('hostile values arrive in variables, arguments, labels and secrets byte by byte, and run nowhere', async (t) => {
  const deployed = await expectCode(0, app, ['deploy', '--yes', '--verbose']);
  try {
    await until('it serves', 30, async () => (await ask('/', 'hostile.example')).status === 200);
    const seen = JSON.parse((await ask('/', 'hostile.example')).body) as Seen;
    for (const [index, text] of HOSTILE.entries()) {
      assert.equal(seen.environment[`HOSTILE_${index}`], text);
      assert.equal(seen.files[`s${index}`], text);
      assert.ok(!(deployed.stdout + deployed.stderr).includes(`secret-${index}:`));
    }
    assert.deepEqual(seen.argv.slice(-HOSTILE.length), HOSTILE);
    for (const host of ['host1', 'host2', 'host3']) {
      const { code } = await onHost(host, ['test', '-e', '/tmp/pwned']);
      assert.equal(code, 1, `nothing ran on ${host}`);
    }
    const again = await expectCode(0, app, ['plan', '--exit-code']);
    assert.match(again.stdout, /No change/);
    t.diagnostic(`${HOSTILE.length} values in 4 places, unchanged`);
  } finally {
    await expectCode(0, app, ['down', '--yes']);
  }
});

const REFUSED: readonly (readonly [
  what: string,
  file: 'compose.yaml' | 'seawall.yml',
  text: (value: string) => string,
])[] = [
  [
    'a service name',
    'compose.yaml',
    (value) => written({ name: 'x', services: { [value]: { image: 'nginx:1.30' } } }),
  ],
  ['an image', 'compose.yaml', (value) => written({ name: 'x', services: { web: { image: value } } })],
  [
    'a network',
    'compose.yaml',
    (value) =>
      written({
        name: 'x',
        services: { web: { image: 'nginx:1.30', networks: [value] } },
        networks: { [value]: {} },
      }),
  ],
  [
    'a volume',
    'compose.yaml',
    (value) =>
      written({
        name: 'x',
        services: { web: { image: 'nginx:1.30', volumes: [`${value}:/data`] } },
        volumes: { [value]: {} },
      }),
  ],
  [
    'an alias',
    'compose.yaml',
    (value) =>
      written({
        name: 'x',
        services: { web: { image: 'nginx:1.30', networks: { default: { aliases: [value] } } } },
      }),
  ],
  [
    'a container name',
    'compose.yaml',
    (value) => written({ name: 'x', services: { web: { image: 'nginx:1.30', container_name: value } } }),
  ],
  [
    'a domain',
    'seawall.yml',
    (value) => JSON.stringify({ routes: { [value]: { service: 'web', port: 80, tls: 'off' } } }),
  ],
  [
    'a path',
    'seawall.yml',
    (value) =>
      JSON.stringify({ routes: { [`x.example/${value}`]: { service: 'web', port: 80, tls: 'off' } } }),
  ],
  [
    'a host name',
    'seawall.yml',
    (value) => JSON.stringify({ hosts: { [value]: { ssh: 'host1', address: '10.0.0.1', roles: ['app'] } } }),
  ],
  [
    'an ssh destination',
    'seawall.yml',
    (value) => JSON.stringify({ hosts: { a: { ssh: value, address: '10.0.0.1', roles: ['app'] } } }),
  ],
  [
    'an address',
    'seawall.yml',
    (value) => JSON.stringify({ hosts: { a: { ssh: 'host1', address: value, roles: ['app'] } } }),
  ],
];

for (const [what, file, text] of REFUSED) {
  test(`${what} that is hostile is refused with its place, before any host is touched`, async () => {
    for (const value of HOSTILE) {
      const bad = projectFolder('shop', 'refused');
      writeFileSync(
        join(bad.folder, 'compose.yaml'),
        written({ name: 'x', services: { web: { image: 'nginx:1.30' } } }),
      );
      writeFileSync(join(bad.folder, 'seawall.yml'), 'routes: {}\n');
      writeFileSync(join(bad.folder, file), text(value));
      const alone = { ...bad, files: [join(bad.folder, 'seawall.yml')] };
      const refused = await seawall(alone, ['check']);
      assert.equal(refused.code, 2, `${what} ${JSON.stringify(value)}: ${refused.stdout}${refused.stderr}`);
      assert.match(refused.stderr, new RegExp(`${file}:\\d+:\\d+`), refused.stderr);
      assert.ok(!refused.stderr.includes('\u202e'), 'nothing turns the reader’s terminal around');
    }
  });
}
