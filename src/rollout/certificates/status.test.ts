import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTS, NOW } from '../../../test/certificate-samples.ts';
import { MANUAL } from '../../catalog/tls-record.ts';
import { certificateStatuses } from './status.ts';

const id = 'half.example.com';

const statusWith = (projects: readonly string[]) => {
  const wish = Object.values(FACTS.wishes)
    .flat()
    .find((each) => each.id === id);
  assert.ok(wish !== undefined);
  const wishes = Object.fromEntries(projects.map((project) => [project, [wish]]));
  return certificateStatuses({ ...FACTS, wishes }, NOW).find((each) => each.id === id);
};

test('a certificate that no route names is missing on no edge', () => {
  const status = statusWith([MANUAL]);
  assert.deepEqual([status?.missingOn, status?.health], [[], 'ok']);
});

test('one that a route names besides is missing where an edge does not have it', () => {
  assert.equal(statusWith([MANUAL, 'shop'])?.health, 'unserved');
});
