import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterFile, defaultEdgeRules } from '../../cluster.ts';
import { filedRules, ruleReasons, withRules } from './edge-rules.ts';

const other = { ...defaultEdgeRules, httpsPort: 8443, trustedProxies: ['10.0.0.0/8', '10.9.0.1/32'] };

test('the usual rules are not filed: a host of before HTTPS has nothing to change', () => {
  assert.deepEqual(filedRules({ ...defaultEdgeRules }), {});
  assert.deepEqual(filedRules(other), { edge: other });
  const file = { version: 1, httpPort: 80, edge: other } as unknown as ClusterFile;
  assert.deepEqual(withRules(file, defaultEdgeRules), { version: 1, httpPort: 80 });
});

test('each rule that differs is a reason for a setup, by its key in seawall.yml', () => {
  assert.deepEqual(ruleReasons({ httpPort: 80 }, { httpPort: 80, rules: defaultEdgeRules }, 'blog'), []);
  const rules = { ...other, tlsPolicy: 'modern', http3: true } as const;
  assert.deepEqual(ruleReasons({ httpPort: 80 }, { httpPort: 8080, rules }, 'blog'), [
    'edge.http_port: 80 → 8080',
    'edge.https_port: 443 → 8443',
    'tls.policy: intermediate → modern',
    'edge.http3: false → true',
    'edge.trusted_proxies: none → 10.0.0.0/8, 10.9.0.1/32',
  ]);
});

test('a reason names the project whose word counted until now', () => {
  const settledBy = { 'edge.trusted_proxies': 'shop', 'edge.https_port': 'blog' };
  assert.deepEqual(
    ruleReasons({ httpPort: 80, edge: other, settledBy }, { httpPort: 80, rules: defaultEdgeRules }, 'blog'),
    [
      'edge.https_port: 8443 → 443',
      'edge.trusted_proxies: 10.0.0.0/8, 10.9.0.1/32 (set by project shop) → none',
    ],
  );
});
