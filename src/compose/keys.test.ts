import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPOSE_KEYS } from './keys/index.ts';
import { schemaKeys } from './schema-paths.ts';

test('every key of the Compose Specification has exactly one row, and no row is about anything else', () => {
  assert.deepEqual(COMPOSE_KEYS.map(({ key }) => key).sort(), [...schemaKeys().keys()].sort());
});

test('every row says in a sentence what happens, and every refusal what to write instead', () => {
  for (const row of COMPOSE_KEYS) {
    assert.match(row.text, /^[A-Z`].*\.$/, row.key);
    assert.equal(row.remedy === undefined, row.status !== 'refused', row.key);
    if (row.remedy !== undefined) assert.match(row.remedy, /^[A-Z].*\.$/, row.key);
  }
});
