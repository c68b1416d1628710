import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClock, parseClusterFile, parseDisk, refuseUnfit } from './facts.ts';

const df = `Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/mapper/vg 0-root  264212084 173535136  77201352      70% /var/lib/docker
`;

test('free space is what df says is available, not what is unused', () => {
  assert.deepEqual(parseDisk(df), { disk: { totalBytes: 264212084 * 1024, freeBytes: 77201352 * 1024 } });
  assert.deepEqual(parseDisk('1700000000000000000\n'), {});
});

test('clock skew is taken against the middle of the question', () => {
  assert.deepEqual(parseClock('1700000002000000000\n', 1_700_000_000_000, 1_700_000_001_000), {
    clock: { skewMs: 1500, uncertaintyMs: 500 },
  });
  assert.deepEqual(parseClock('1700000002N\n', 0, 0), {});
});

test('a rootless engine is refused with the reason', () => {
  assert.throws(() => refuseUnfit({ isRootless: true, platform: 'linux/amd64' }, 'app1'), {
    code: 'refused',
    where: 'app1',
  });
  refuseUnfit({ isRootless: false, platform: 'linux/arm64' }, 'app1');
});

test('a damaged or newer cluster file is refused, not taken for none', () => {
  for (const text of ['', '{', '{"version":2,"id":"x"}', 'null']) {
    assert.throws(() => parseClusterFile(text, 'app1'), { code: 'refused', where: 'app1' }, text);
  }
});
