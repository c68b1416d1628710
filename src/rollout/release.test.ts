import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReleaseRecord } from '../catalog/record.ts';
import { lastGood, releasesToForget } from './release.ts';

const release = (number: number, status: ReleaseRecord['status']): ReleaseRecord => ({
  project: 'polls',
  number,
  createdAt: '2026-01-01T00:00:00Z',
  who: 'ann',
  status,
  images: {},
  tasks: [],
  note: '',
  sealed: '',
});

test('the last good release is what a failed one returns to, whatever failed in between', () => {
  const releases = [release(1, 'good'), release(2, 'good'), release(3, 'failed'), release(4, 'pending')];
  assert.equal(lastGood(releases, 4)?.number, 2);
  assert.equal(lastGood([release(1, 'failed')]), undefined);
});

test('only what is older than the good releases to keep is forgotten, never the one in force', () => {
  const releases = [1, 2, 3, 4, 5, 6, 7].map((number) => release(number, number === 5 ? 'failed' : 'good'));
  assert.deepEqual(
    releasesToForget(releases, 3, 7).map((each) => each.number),
    [1, 2, 3],
  );
  assert.deepEqual(
    releasesToForget(releases, 3, 2).map((each) => each.number),
    [1, 3],
  );
  assert.deepEqual(releasesToForget([release(1, 'good')], 0, 1), []);
});
