import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCompose } from './project.ts';
import { hostConfig } from './translate/host-config.ts';

const path = '/p/compose.yaml';

function load(text: string) {
  const files = {
    home: '/home/me',
    show: (name: string) => name,
    read: (name: string) => (name === path ? text : undefined),
  };
  return loadCompose({ paths: [path], env: {}, profiles: [] }, files);
}

test('a limit of zero is a limit', () => {
  const { model, problems } = load(`services:
  web:
    image: a
    build: { context: ., ulimits: { core: 0 } }
    ulimits: { core: 0, memlock: { soft: 0, hard: 0 }, nofile: { soft: 0, hard: 9 } }
  db: { image: a, ulimits: {} }
  ulimits: { image: a, tty: false }
`);
  assert.deepEqual(problems, []);
  const { web, db, ulimits } = model?.services ?? {};
  assert.ok(web && db && ulimits);
  assert.deepEqual(hostConfig(web, false).Ulimits, [
    { Name: 'core', Soft: 0, Hard: 0 },
    { Name: 'memlock', Soft: 0, Hard: 0 },
    { Name: 'nofile', Soft: 0, Hard: 9 },
  ]);
  assert.deepEqual(Object.keys(web.build?.ulimits ?? {}), ['core']);
  assert.equal('ulimits' in db, false);
  assert.equal('tty' in ulimits, false);
});

test('a command that Docker Compose cuts off is a warning at its place', () => {
  const { model, problems } = load('services:\n  web: { image: a, command: "serve > /log" }\n');
  assert.deepEqual(model?.services.web?.command, ['serve']);
  assert.deepEqual(
    problems.map(({ severity, line, path: at, message }) => [severity, line, at, message]),
    [['warning', 2, 'services.web.command', 'Docker Compose ends the command at ">", for no shell reads it']],
  );
});
