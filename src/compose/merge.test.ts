import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toLongForms } from './canonical.ts';
import { mergeNodes } from './merge.ts';
import { type Json, type Node, toJson } from './node.ts';
import { withCanonicalValues } from './shape.ts';
import { withoutRedefinitions } from './unique.ts';
import { parseYaml } from './yaml.ts';

function node(value: unknown): Node {
  const [document] = parseYaml({ path: 'x', name: 'x', text: JSON.stringify(value) }).documents;
  if (document?.root === undefined) throw new Error('nothing was parsed');
  return document.root;
}

const service = (value: unknown): Node => node({ services: { s: value } });
const step = (base: Node, over: Node): Node =>
  withoutRedefinitions(toLongForms(withoutRedefinitions(mergeNodes(base, over))).root);
const settled = (root: Node): Json => toJson(withCanonicalValues(toLongForms(root).root).root);

const names = fc.constantFrom('A', 'B', 'C', 'D');
const values = fc.constantFrom('1', '2', '3');
const mapping = fc.dictionary(names, values);
const mappingOrItems = fc.oneof(
  mapping,
  mapping.map((map) => Object.entries(map).map(([name, value]) => `${name}=${value}`)),
);

const fragment = fc.record(
  {
    image: values,
    environment: mappingOrItems,
    labels: mappingOrItems,
    command: fc.oneof(values, fc.array(values)),
    ports: fc.uniqueArray(fc.constantFrom('80:80', '81:80', '80:80/udp', '90')),
    volumes: fc.uniqueArray(fc.constantFrom('one:/x', 'two:/x', './c:/y:ro'), {
      selector: (text) => text.split(':')[1],
    }),
    healthcheck: fc.record({ interval: fc.constantFrom('1s', '2s'), test: values }, { requiredKeys: [] }),
    networks: fc.oneof(fc.uniqueArray(names), fc.dictionary(names, fc.constant(null))),
  },
  { requiredKeys: [] },
);

test('laying files over each other gives the same whichever two are joined first', () => {
  fc.assert(
    fc.property(fragment, fragment, fragment, (a, b, c) => {
      const left = step(step(service(a), service(b)), service(c));
      const right = step(service(a), step(service(b), service(c)));
      assert.deepEqual(settled(left), settled(right));
    }),
  );
});

test('an empty file changes nothing', () => {
  fc.assert(
    fc.property(fragment, (a) => {
      assert.deepEqual(settled(step(service(a), service({}))), settled(step(service({}), service(a))));
    }),
  );
});

test('commands are replaced, options of another log driver are dropped', () => {
  const base = service({ command: ['a', 'b'], logging: { driver: 'syslog', options: { x: '1' } } });
  const merged = toJson(step(base, service({ command: 'c', logging: { driver: 'json-file' } })));
  assert.deepEqual(merged, { services: { s: { command: 'c', logging: { driver: 'json-file' } } } });
});

test('a volume at the same target and a port with the same numbers replace the earlier one in its place', () => {
  const base = service({ volumes: ['one:/x', 'two:/y'], ports: ['80:80', '81:81'] });
  const merged = settled(
    step(base, service({ volumes: ['three:/x/'], ports: ['80:80', '82:82'] })),
  ) as never as {
    services: { s: { volumes: { source: string }[]; ports: { published: string }[] } };
  };
  assert.deepEqual(
    merged.services.s.volumes.map(({ source }) => source),
    ['three', 'two'],
  );
  assert.deepEqual(
    merged.services.s.ports.map(({ published }) => published),
    ['80', '81', '82'],
  );
});
