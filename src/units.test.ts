import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { catalogServiceName, nearestName } from './names.ts';
import { parseBytes, parseDuration, parseDurationMs, showDuration } from './units.ts';

test('durations of the Compose Specification are understood', () => {
  const expected = {
    '1m30s': 90_000,
    '500ms': 500,
    '1.5h': 5_400_000,
    '2d': 172_800_000,
    '0': 0,
    '10us': 0.01,
  };
  for (const [text, ms] of Object.entries(expected)) assert.equal(parseDurationMs(text), ms, text);
  for (const text of ['', '5', 'soon', '1 m', '5x', '-', 's'])
    assert.equal(parseDuration(text), undefined, text);
});

test('a duration that is shown is read as the same duration', () => {
  const nanoseconds = fc.integer({ min: 0, max: 1e12 }).map((value) => value * 1000);
  fc.assert(fc.property(nanoseconds, (value) => assert.equal(parseDuration(showDuration(value)), value)));
});

test('sizes are powers of 1024, as in Docker', () => {
  const expected = {
    '1024': 1024,
    '64k': 65_536,
    '1.5gb': 1_610_612_736,
    '4G': 4_294_967_296,
    '1KiB': 1024,
    '10 mb': 10_485_760,
  };
  for (const [text, bytes] of Object.entries(expected)) assert.equal(parseBytes(text), bytes, text);
  for (const text of ['', 'x', '-1', '1x', '1kk']) assert.equal(parseBytes(text), undefined, text);
});

test('a misspelt name finds the one that was meant, a different word finds none', () => {
  assert.equal(nearestName('prots', ['image', 'ports', 'profiles']), 'ports');
  assert.equal(nearestName('imgae', ['image', 'ports']), 'image');
  assert.equal(nearestName('volumes', ['image', 'ports']), undefined);
});

test('catalog names are safe for DNS', () => {
  const hash = (text: string) =>
    [...text]
      .map((character) => (character.codePointAt(0) ?? 0).toString(16))
      .join('')
      .padEnd(8, '0');
  assert.equal(catalogServiceName('shop', 'web', hash), 'shop-web');
  assert.match(catalogServiceName('shop', 'Web_1', hash), /^shop-web-1-[0-9a-f]{8}$/);
});
