import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { histogramBound, mergeHistograms, percentile } from './histogram.ts';

const durations = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 200 });

const histogramOf = (values: readonly number[]) =>
  mergeHistograms(values.map((value) => ({ [histogramBound(value)]: 1 })));

test('a duration is counted at most 10 % or a millisecond above itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000_000 }), (ms) => {
      const bound = histogramBound(ms);
      assert.ok(bound >= ms && bound <= Math.max(ms + 1, ms * 1.1 + 1), `${ms} in ${bound}`);
    }),
  );
});

test('p99 over several edges is the one of all their requests, within the class', () => {
  fc.assert(
    fc.property(durations, durations, (one, two) => {
      const all = [...one, ...two].toSorted((a, b) => a - b);
      const exact = all[Math.ceil(all.length * 0.99) - 1] ?? 0;
      const merged = mergeHistograms([histogramOf(one), histogramOf(two)]);
      assert.equal(percentile(merged, 0.99), histogramBound(exact));
    }),
  );
});

test('without requests there is no duration', () => {
  assert.equal(percentile({}, 0.99), 0);
});
