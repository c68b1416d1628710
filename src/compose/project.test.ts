import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { GOLDEN_ENV, GOLDEN_PROFILES } from '../../test/golden/compose-env.ts';
import { loadCompose } from './project.ts';
import type { Files } from './sources.ts';

const folder = resolve(import.meta.dirname, '../../test/golden/compose');

const files: Files = {
  home: GOLDEN_ENV.HOME,
  show: (path) => path,
  read: (path) => (existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined),
};

/** JSON without what `docker compose config` leaves out: `x-` keys. */
function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutExtensions);
  const entries = Object.entries(value).filter(([key]) => !key.startsWith('x-'));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutExtensions(inner)]));
}

for (const name of readdirSync(folder)) {
  test(`the model of ${name} is the one that Docker Compose 2.40 prints`, () => {
    const cwd = join(folder, name);
    const paths = ['compose.yaml', 'compose.override.yaml']
      .map((file) => join(cwd, file))
      .filter((path) => existsSync(path));
    const project = loadCompose({ paths, env: GOLDEN_ENV, profiles: GOLDEN_PROFILES }, files);
    const serious = project.problems.filter(
      ({ message, severity }) => severity !== 'warning' && !message.includes('refused'),
    );
    assert.deepEqual(serious, []);
    const portable = JSON.stringify(project.model)
      .replaceAll(cwd, '/PROJECT')
      .replaceAll(folder, '/PARENT')
      .replaceAll(join(folder, '..'), '/ABOVE');
    const expected: unknown = JSON.parse(readFileSync(join(cwd, 'model.json'), 'utf8'));
    assert.deepEqual(withoutExtensions(JSON.parse(portable)), withoutExtensions(expected));
  });
}
