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

test('a port of an ssh destination is refused unless it is written as ssh(1) takes it', () => {
  const refused = (ssh: string): boolean => {
    const text = JSON.stringify({ hosts: { a: { ssh } } });
    const root = parseYaml({ path: '/p/seawall.yml', name: 'seawall.yml', text }).documents[0]?.root;
    assert.ok(root);
    return validateConfig(root).problems.some(({ path }) => path.startsWith('hosts.a.ssh'));
  };
  assert.deepEqual(['root@192.0.2.1:2222', 'app1:22'].map(refused), [true, true]);
  const right = ['root@192.0.2.1', 'app1', 'root@2001:db8::1', 'ssh://root@192.0.2.1:2222', 'ssh://app1:22'];
  assert.deepEqual(right.filter(refused), []);
});
