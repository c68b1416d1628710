import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshestSnapshot, missingReleases } from './choose.ts';

const snapshot = (epoch: number, index: number, good = true) => ({
  name: `${epoch}-${index}`,
  good,
  epoch,
  index,
  ageMs: 1000,
  bytes: 1,
  releases: {},
});
const survey = (name: string, ...snapshots: ReturnType<typeof snapshot>[]) => ({ link: { name }, snapshots });

test('the freshest snapshot is of the highest epoch, then of the highest index; a damaged one is none', () => {
  const surveys = [
    survey('app1', snapshot(1, 900), snapshot(3, 99, false)),
    survey('app2', snapshot(2, 5), snapshot(2, 3)),
    survey('app3', snapshot(2, 7), snapshot(2, 8, false)),
    survey('app4'),
  ];
  assert.deepEqual(freshestSnapshot(surveys), { host: 'app3', snapshot: snapshot(2, 7) });
  assert.equal(freshestSnapshot([survey('app4', snapshot(1, 1, false))]), undefined);
});

test('a release that runs somewhere and is not in the snapshot is named', () => {
  const surveys = [{ running: { shop: 3, blog: 2 } }, { running: { shop: 4 } }];
  assert.deepEqual(missingReleases(surveys, { shop: 3, blog: 2 }), [
    'release 4 of shop runs and is not in it: deploy shop again',
  ]);
  assert.deepEqual(missingReleases(surveys, { shop: 4, blog: 5 }), []);
  assert.equal(missingReleases(surveys, {}).length, 2);
});
