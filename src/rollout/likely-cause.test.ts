import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likelyCause } from './likely-cause.ts';

const cases: readonly (readonly [what: string, probe: string, log: string, cause: RegExp])[] = [
  ['it exited with code 137', '', '', /memory/],
  [
    'it exited with code 1',
    '',
    'django.db.utils.OperationalError: connection to server at "db" failed: Connection refused',
    /depends_on/,
  ],
  [
    'it exited with code 1',
    '',
    'FATAL:  password authentication failed for user "polls"',
    /refuses its user or password/,
  ],
  [
    'not healthy within 60 s',
    'GET http://10.0.0.2:8000/ → 400',
    "Invalid HTTP_HOST header: '10.0.0.2:8000'",
    /ALLOWED_HOSTS/,
  ],
  ['not healthy within 60 s', 'connect ECONNREFUSED 10.0.0.2:8000', '', /Nothing listens on the port/],
  ['it exited with code 1', '', "KeyError: 'SECRET_KEY'", /setting/],
  ['it exited with code 1', '', 'cannot start: the setting PAYMENT_KEY is missing', /setting/],
  ['it exited with code 1', '', "Error: Cannot find module 'express'", /dependency/],
];

for (const [what, probe, log, cause] of cases) {
  test(`a cause is offered for: ${log || probe || what}`, () => {
    assert.match(likelyCause(what, probe, [log]) ?? '', cause);
  });
}

test('without a sign no cause is made up', () => {
  assert.equal(likelyCause('not healthy within 60 s', '', ['started']), undefined);
});
