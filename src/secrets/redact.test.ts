import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { redactEnv, redactEnvList } from './redact.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a view shows names and that a value changed, never the value', () => {
  assert.deepEqual(redactEnv({ B: 'two', A: 'one' }, sha256), { A: '…(7692c3ad)', B: '…(3fc4ccfe)' });
  assert.deepEqual(redactEnvList(['PASS=a=b', 'EMPTY=', 'BARE'], sha256), [
    'PASS=…(42144f39)',
    'EMPTY=…(e3b0c442)',
    'BARE',
  ]);
});
