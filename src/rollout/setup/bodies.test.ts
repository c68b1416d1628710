import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterFile, defaultEdgeRules } from '../../cluster.ts';
import { fileHash } from './bodies.ts';
import { filedRules, withRules } from './edge-rules.ts';

const rules = { ...defaultEdgeRules, keepaliveMs: 90_000 };
const host = { name: 'app1' };
const file = {
  ...{ version: 1, hosts: [host], catalog: { host: 'app1', address: '10.208.16.1', port: 8501 } },
  ...{ httpPort: 80, ...filedRules(rules), host },
} as unknown as ClusterFile;

test('a file with other rules than the usual ones is the same when it is read again and compared', () => {
  assert.equal(fileHash(withRules(file, rules)), fileHash(file));
  assert.notEqual(fileHash(withRules(file, defaultEdgeRules)), fileHash(file));
});

test('programs need not start anew for further hosts, nor for another place of the catalog', () => {
  const catalog = { ...file.catalog, host: 'app2', address: '10.208.32.1', epoch: 2 };
  assert.equal(fileHash({ ...file, hosts: [], catalog }), fileHash(file));
  assert.notEqual(fileHash({ ...file, catalog: { ...catalog, token: 'other' } }), fileHash(file));
});
