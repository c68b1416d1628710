import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInfo } from '../hosts/index.ts';
import { crashOf } from './health-gate.ts';

const info = (state: Partial<ContainerInfo['State']>, RestartCount = 0) => ({
  State: { Status: 'running', OOMKilled: false, ExitCode: 0, ...state } as ContainerInfo['State'],
  RestartCount,
});

test('a replica that runs is no crash', () => {
  assert.equal(crashOf(info({})), undefined);
});

test('a crash is told with the exit code, while Docker knows it', () => {
  assert.equal(crashOf(info({ Status: 'exited', ExitCode: 3 })), 'it exited with code 3');
  assert.equal(
    crashOf(info({ Status: 'restarting', ExitCode: 2 }, 1)),
    'it exited with code 2 and was restarted',
  );
});

test('a replica that was restarted already does not seem to have exited with code 0', () => {
  assert.equal(crashOf(info({}, 1)), 'it exited and was restarted');
});
