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

test('an unknown key does not make the rest of the file unreadable', () => {
  const text = 'rotes: {}\nhosts: { a: { ssh: u@a } }\nnetwork: { link: none }';
  const root = parseYaml({ path: '/p/seawall.yml', name: 'seawall.yml', text }).documents[0]?.root;
  assert.ok(root);
  const { value, readable, problems } = validateConfig(root);
  assert.equal(value, undefined);
  assert.equal(problems.length, 1);
  assert.deepEqual([Object.keys(readable?.hosts ?? {}), readable?.network?.link], [['a'], 'none']);
});

test('the port of a route is in the range of ports, in the short form as in the long one', () => {
  const messages = (route: string): readonly string[] => {
    const text = `routes: { a.example.com: ${route} }`;
    const root = parseYaml({ path: '/p/seawall.yml', name: 'seawall.yml', text }).documents[0]?.root;
    assert.ok(root);
    return validateConfig(root).problems.map(({ message }) => message);
  };
  const range = ['must be a port, from 1 to 65535'];
  assert.deepEqual(messages('{ service: web, port: 99999 }'), range);
  assert.deepEqual(['web:99999', 'web:0', 'web:65536'].map(messages), [range, range, range]);
  assert.deepEqual(['web:1', 'web:65535'].map(messages), [[], []]);
  assert.deepEqual(messages('web'), ['must be SERVICE:PORT']);
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
