import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../compose/index.ts';
import { validateConfig } from './validate.ts';

test('what is missing is said to be missing, what is of another kind is told its kind', () => {
  const text = 'hosts: { a: { roles: [app] }, b: { ssh: 4 } }';
  const root = parseYaml({ path: '/p/seawall.yml', name: 'seawall.yml', text }).documents[0]?.root;
  assert.ok(root);
  assert.deepEqual(
    validateConfig(root).problems.map(({ path, message }) => `${path} ${message}`),
    ['hosts.a.ssh is missing', 'hosts.b.ssh must be text'],
  );
});
