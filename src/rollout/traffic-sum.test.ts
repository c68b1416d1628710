import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrafficRecord } from '../catalog/record.ts';
import { summarise } from './traffic-sum.ts';

const noDrains = { replicas: 0, longestMs: 0, socketsCut: 0 };

const record = (part: Partial<TrafficRecord>): TrafficRecord => ({
  rollout: '3-abcd',
  complete: true,
  requests: 0,
  failed: 0,
  away: 0,
  histogram: {},
  ...part,
});

test('requests and failures of all edges are added up', () => {
  const sum = summarise(
    [record({ requests: 40, failed: 2, away: 1 }), record({ requests: 2, failed: 1 })],
    [],
    noDrains,
  );
  assert.deepEqual(
    { requests: sum.requests, failed: sum.failed, away: sum.away },
    { requests: 42, failed: 3, away: 1 },
  );
});

test('a slow edge counts in the percentile of all', () => {
  const slow = record({ requests: 2, histogram: { '900': 2 } });
  const fast = record({ requests: 98, histogram: { '5': 98 } });
  assert.equal(summarise([fast, slow], [], noDrains).p99Ms, 900);
});

test('an edge that did not report in time is named, and drains are told in whole milliseconds', () => {
  const sum = summarise([], ['front2'], { replicas: 2, longestMs: 1234.6, socketsCut: 1 });
  assert.deepEqual(sum.missing, ['front2']);
  assert.equal(sum.p99Ms, 0);
  assert.equal(sum.longestDrainMs, 1235);
});
