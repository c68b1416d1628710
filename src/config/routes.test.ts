import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { sampleRoute } from '../../test/edge-samples.ts';
import { checkRoute } from '../edge/route-text.ts';
import { loadProject } from './load.ts';

/** What is said about a project with these routes, in the order in which they are written. */
async function problemsOf(t: TestContext, routes: object) {
  const cwd = await mkdtemp(join(tmpdir(), 'seawall-routes-'));
  t.after(() => rm(cwd, { recursive: true }));
  await writeFile(join(cwd, 'compose.yaml'), 'services: {web: {image: a, expose: [80]}}');
  await writeFile(join(cwd, 'seawall.yml'), JSON.stringify({ routes }));
  const { problems } = await loadProject({ files: [], cwd, env: {} });
  return problems;
}

const toWeb = { service: 'web', tls: 'off' };
const routesTo = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, toWeb]));

const refused: Readonly<Record<string, string>> = {
  'a.test/caf%C3%A9': 'a path is not percent-encoded → Write it as it is read: /café',
  'a.test/a%2Fb/100%': 'a path is not percent-encoded → Write it as it is read: /café',
  'a.test//x': 'the path holds // → Write one slash: edges read several as one.',
  'a.test/x//': 'the path holds // → Write one slash: edges read several as one.',
  'a.test/a/../b': 'the path holds . or .. → Write the path that it leads to.',
  'a.test/.': 'the path holds . or .. → Write the path that it leads to.',
  'a.test/.well-known/acme-challenge/x':
    '/.well-known/acme-challenge is answered by the edges themselves → Take another path.',
  'a.test/.well-known/seawall':
    '/.well-known/seawall is answered by the edges themselves → Take another path.',
  'a.test/a b':
    "the path holds characters that it may not have → Letters and digits of any script, and ._~!&'()*+,;=:@- between slashes.",
  'a b/x': 'a route is named by DOMAIN or DOMAIN/PATH → Such as "polls.example.com" or "example.com/api".',
  [`a.test/${'x'.repeat(512)}`]: 'a path has at most 512 characters → Take the beginning of it.',
};

test('a path that edges would leave out is refused, and it is said what to write', async (t) => {
  const said = (await problemsOf(t, routesTo(Object.keys(refused)))).map(
    ({ path, message, remedy }) => [path, `${message} → ${remedy}`] as const,
  );
  assert.deepEqual(
    said.map(([, text]) => text),
    Object.values(refused),
  );
});

test('a path may hold letters of any script, and be below what is reserved in name only', async (t) => {
  const paths = ['', '/café', '/日本/', '/api/v1', '/~me', '/a;b', '/.well-known/x', '/.well-known/seawalls'];
  assert.deepEqual(await problemsOf(t, routesTo(paths.map((path) => `a.test${path}`))), []);
});

test('every path that is taken is one that edges serve', async (t) => {
  const part = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ab.~!&()*+,;=:@-_é日%$"#{}\\ /'), maxLength: 6 }),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.constantFrom('..', '.', '.well-known', 'acme-challenge', 'seawall', 'x'.repeat(255)),
  );
  const path = fc.array(part, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const paths = [...new Set(fc.sample(path, { numRuns: 1_000, seed: 7 }))];
  const keys = new Map(paths.map((each, at) => [`d${at}.test${each}`, each]));
  const wrong = new Set((await problemsOf(t, routesTo([...keys.keys()]))).map(({ path: at }) => at));
  const taken = [...keys].filter(([key]) => !wrong.has(`routes[${JSON.stringify(key)}]`));
  assert.ok(taken.length > 100 && taken.length < keys.size, `${taken.length} of ${keys.size} taken`);
  for (const [, each] of taken) {
    const checked = checkRoute(sampleRoute({ path: each }));
    assert.ok('route' in checked, JSON.stringify(checked));
  }
});

test('a route cannot lead to a name of no letters in the catalog', async (t) => {
  const [problem, ...more] = await problemsOf(t, { 'a.test': { catalog: '', tls: 'off' } });
  assert.deepEqual([problem?.path, more], ['routes["a.test"].catalog', []]);
});
