import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  askAgainMs,
  backOffMs,
  DAY_MS,
  HOUR_MS,
  lifetimeRenewal,
  MINUTE_MS,
  windowRenewal,
} from './renewal.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const validity = fc
  .record({
    notBefore: fc.integer({ min: 0, max: 4e12 }),
    life: fc.integer({ min: HOUR_MS, max: 400 * DAY_MS }),
  })
  .map(({ notBefore, life }) => ({ notBefore, notAfter: notBefore + life }));

test('a certificate of 90 days is renewed after 60 days or up to 4.5 days earlier, one of 6 days after 3', () => {
  const long = { notBefore: 0, notAfter: 90 * DAY_MS };
  assert.equal(
    lifetimeRenewal(long, () => 0),
    60 * DAY_MS,
  );
  assert.equal(
    lifetimeRenewal(long, () => 0.999_999_999),
    55.5 * DAY_MS,
  );
  assert.equal(
    lifetimeRenewal({ notBefore: 0, notAfter: 6 * DAY_MS }, () => 0),
    3 * DAY_MS,
  );
});

test('every renewal is planned within the life of the certificate, with a sixth of it left', () => {
  fc.assert(
    fc.property(validity, random, (life, chance) => {
      const at = lifetimeRenewal(life, () => chance);
      assert.ok(at > life.notBefore && at <= life.notBefore + ((life.notAfter - life.notBefore) * 5) / 6);
    }),
  );
});

test("a moment of the CA's window is in it, or earlier when the window ends too late", () => {
  fc.assert(
    fc.property(
      validity,
      random,
      fc.integer({ min: 0, max: 5e12 }),
      fc.nat(40 * DAY_MS),
      (life, chance, start, span) => {
        const at = windowRenewal({ start, end: start + span }, life, () => chance);
        const latest = life.notBefore + ((life.notAfter - life.notBefore) * 5) / 6;
        assert.ok(at <= Math.ceil(latest));
        if (start + span <= latest) assert.ok(at >= start && at <= start + span);
      },
    ),
  );
});

test('a CA is asked again once a minute at the most and twice a day at the least, whatever it says', () => {
  for (const said of [0, -5, 1e12, Number.NaN, Number.POSITIVE_INFINITY])
    assert.ok(askAgainMs(said) >= MINUTE_MS && askAgainMs(said) <= 12 * HOUR_MS, `${said}`);
  assert.equal(askAgainMs(HOUR_MS), HOUR_MS);
});

test('pauses after failures are 1, 10 and 100 minutes, then a day, each a tenth more or less', () => {
  const middle = [1, 2, 3, 4, 50].map((failures) => backOffMs(failures, () => 0.5));
  assert.deepEqual(middle, [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS, DAY_MS, DAY_MS]);
  assert.equal(
    backOffMs(1, () => 0),
    54_000,
  );
});

test('a certificate that ends soon is tried more often than daily, never more often than hourly', () => {
  assert.equal(
    backOffMs(9, () => 0.5, 2 * DAY_MS),
    DAY_MS / 2,
  );
  assert.equal(
    backOffMs(9, () => 0.5, 0),
    HOUR_MS,
  );
  assert.equal(
    backOffMs(9, () => 0.5, -DAY_MS),
    HOUR_MS,
  );
  assert.equal(
    backOffMs(1, () => 0.5, 0),
    MINUTE_MS,
  );
});
