import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { widerSizes } from './path-size.ts';
import { Paths } from './paths.ts';

test('a path that got better is used again up to 16 bytes less than it carries, or whole', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 576, max: 9_000 }),
      fc.nat({ max: 9_000 }),
      fc.nat({ max: 9_000 }),
      (mtu, more, beyond) => {
        const carries = mtu + more;
        const linkMtu = carries + beyond;
        let size = mtu;
        for (let look = 0; look < 64; look += 1) {
          size = widerSizes(size, linkMtu).find((bytes) => bytes <= carries) ?? size;
        }
        assert.ok(size <= carries);
        assert.ok(carries - size <= 16, `${size} of ${carries}`);
        if (beyond === 0) assert.equal(size, linkMtu);
      },
    ),
  );
});

test('a size that was learned and given up leaves the path as wide as the link', () => {
  const paths = new Paths();
  const peer = { name: 'host2', address: '192.0.2.2' };
  let changes = 0;
  paths.listen(() => (changes += 1));
  paths.set(peer, 1312);
  assert.equal(paths.get(peer), 1312);
  paths.forget(peer);
  assert.equal(paths.get(peer), undefined);
  assert.equal(changes, 2);
});
