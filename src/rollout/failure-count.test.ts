import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeawallError } from '../errors.ts';
import { Pause } from './failure.ts';
import { actionAfter, FailureCount, type ToleratedFailure } from './failure-count.ts';

const rule = {
  parallelism: 1,
  delayMs: 0,
  monitorMs: 5000,
  failureAction: 'pause',
  maxFailureRatio: 0,
} as const;
const failure = (): SeawallError => new SeawallError('rolled-back', 'web-1 on app1: it exited with code 1');

test('without a ratio the first failure counts, whatever the number of replicas', () => {
  for (const failureAction of ['pause', 'rollback'] as const)
    assert.equal(actionAfter({ failureAction, maxFailureRatio: 0 }, 1, 100), failureAction);
});

test('failures up to the ratio are tolerated, one more is not', () => {
  const half = { failureAction: 'rollback', maxFailureRatio: 0.5 } as const;
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((failed) => actionAfter(half, failed, 4)),
    ['go-on', 'go-on', 'go-on', 'rollback', 'rollback'],
  );
});

test('continue goes on even when every replica fails', () => {
  assert.equal(actionAfter({ failureAction: 'continue', maxFailureRatio: 0 }, 4, 4), 'go-on');
});

test('a failure that is told twice counts once', () => {
  const halt = new AbortController();
  const tolerated: ToleratedFailure[] = [];
  const count = new FailureCount('web', { ...rule, maxFailureRatio: 0.25 }, 4, { halt, tolerated });
  const once = failure();
  count.add(once);
  count.add(once);
  assert.equal(halt.signal.aborted, false);
  assert.equal(tolerated.length, 1);
  count.add(failure());
  assert.equal(halt.signal.aborted, true);
});

test('a pause names the service, its cause and the commands to go on or back', () => {
  const halt = new AbortController();
  new FailureCount('web', rule, 4, { halt, tolerated: [] }).add(failure());
  const pause: unknown = halt.signal.reason;
  assert.ok(pause instanceof Pause);
  assert.match(pause.message, /paused by the failure_action of web: web-1 on app1: it exited with code 1/);
  assert.match(pause.hint ?? '', /seawall deploy.*seawall rollback/);
});
