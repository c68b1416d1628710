import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PartResult, renderResults } from './e2e-results.ts';

const part: PartResult = {
  name: 'core/faults',
  startedAt: '2026-01-02T03:04:05.678Z',
  commit: '0123456789',
  seconds: 90,
  tests: [
    { name: 'a host off', passed: true, seconds: 12.3, figures: ['120 requests, 0 failed'] },
    { name: 'a name with `$(rm)` and |', passed: false, seconds: 1, figures: [] },
  ],
};

test('a test that failed is seen in the table, the list and the sum', () => {
  const page = renderResults([part], 'a machine');
  assert.match(page, /1 of 2 tests passed/);
  assert.match(page, /\| core\/faults \| 2026-01-02 03:04 \| 0123456789 \| 1 of 2 \| 1\.5 \|/);
  assert.match(page, /- ✔ a host off \(12\.3 s\)\n {2}- 120 requests, 0 failed/);
  assert.match(page, /- ✘ a name with \\`\$\(rm\)\\` and \\\|/);
});
