import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, quantile } from './median.ts';

test('medians and quantiles do not depend on the order of the values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([5, 1, 2, 3, 4], 1), 5);
  assert.equal(quantile([0, 10], 0.95), 9.5);
});

test('without values there is no median, rather than a number', () => {
  assert.ok(Number.isNaN(median([])));
});
