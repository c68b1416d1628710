import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeawallError } from '../errors.ts';
import { AcmeError } from './acme/index.ts';
import { canFallBack, type FailureKind, failureKind, retryAfterMs } from './failure.ts';

const acme = (type: string | undefined, status?: number): AcmeError =>
  new AcmeError(
    status !== undefined && status >= 500 ? 'unreachable' : 'refused',
    'x',
    'https://ca.test/dir',
    {
      ...(type === undefined ? {} : { type: `urn:ietf:params:acme:error:${type}` }),
      ...(status === undefined ? {} : { status }),
    },
  );

test('what failed decides whether the next issuer is asked', () => {
  const cases: readonly (readonly [unknown, FailureKind, boolean])[] = [
    [acme(undefined, 503), 'outage', true],
    [acme('rateLimited', 429), 'limited', true],
    [acme('caa', 403), 'issuer', true],
    [acme('rejectedIdentifier', 400), 'issuer', true],
    [acme('unauthorized'), 'names', false],
    [acme('dns'), 'names', false],
    [acme('connection'), 'names', false],
    [acme('alreadyReplaced', 409), 'replaced', false],
    [acme('accountDoesNotExist', 400), 'account', true],
    [acme('malformed', 404), 'order', true],
    [new AcmeError('timeout', 'x', 'https://ca.test/dir'), 'outage', true],
    [new SeawallError('unreachable', 'the catalog'), 'own', false],
    [new Error('x'), 'own', false],
  ];
  for (const [error, kind, falls] of cases) {
    assert.equal(failureKind(error), kind, JSON.stringify(error));
    assert.equal(canFallBack(kind), falls, kind);
  }
});

test('only a positive Retry-After is one', () => {
  const limited = (ms: number) => new AcmeError('refused', 'x', 'https://ca.test/dir', { retryAfterMs: ms });
  assert.equal(retryAfterMs(limited(5)), 5);
  assert.equal(retryAfterMs(limited(0)), undefined);
  assert.equal(retryAfterMs(new Error('x')), undefined);
  assert.equal(retryAfterMs(undefined), undefined);
});
