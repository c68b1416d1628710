import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterFile } from '../../cluster.ts';
import { filedMetrics, metricsReasons, withMetrics } from './metrics-rules.ts';

const rules = {
  listen: [
    { address: '127.0.0.1', port: 9464 },
    { address: '::1', port: 9464 },
  ],
  from: ['10.0.0.9'],
};

test('without metrics: a cluster file says nothing of them, also after they were taken out', () => {
  assert.deepEqual(filedMetrics(undefined), {});
  const file = { version: 1, metrics: rules } as unknown as ClusterFile;
  assert.deepEqual(withMetrics(file, undefined), { version: 1 });
  assert.deepEqual(withMetrics({ version: 1 } as ClusterFile, rules), file);
});

test('what differs is a reason for a setup, by its key in seawall.yml', () => {
  assert.deepEqual(metricsReasons({}, undefined, 'blog'), []);
  assert.deepEqual(metricsReasons({ metrics: rules }, { ...rules }, 'blog'), []);
  assert.deepEqual(metricsReasons({}, rules, 'blog'), [
    'metrics.listen: nowhere → 127.0.0.1:9464, [::1]:9464',
    'metrics.from: nobody → 10.0.0.9',
  ]);
  assert.deepEqual(metricsReasons({ metrics: rules }, { ...rules, from: [] }, 'blog'), [
    'metrics.from: 10.0.0.9 → nobody',
  ]);
});
