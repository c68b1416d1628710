import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInfo, DockerEvent } from '../hosts/index.ts';
import { crashOf, exitCodeOf, lastExitCode } from './exit-code.ts';

const state = (Status: ContainerInfo['State']['Status'], ExitCode = 0): ContainerInfo['State'] => ({
  ...{
    Status,
    ExitCode,
    Running: Status === 'running',
    Restarting: Status === 'restarting',
    OOMKilled: false,
  },
  ...{ Pid: 1, Error: '', StartedAt: '', FinishedAt: '' },
});
const info = (Status: ContainerInfo['State']['Status'], RestartCount: number, ExitCode = 0) => ({
  ...{ Id: 'c1', Created: '2026-01-31T10:00:00.5Z', RestartCount, State: state(Status, ExitCode) },
});
const die = (exitCode: string, time: number): DockerEvent => ({
  ...{ Type: 'container', Action: 'die', Actor: { ID: 'c1', Attributes: { exitCode } }, time },
});
const { signal } = new AbortController();

/** An engine that tells these events, and notes what it was asked. */
function engine(events: readonly DockerEvent[], asked: unknown[] = []) {
  return {
    info: async () => ({ SystemTime: '2026-01-31T10:00:09.25Z' }) as never,
    async *events(query: unknown) {
      asked.push(query);
      yield* events;
    },
  };
}

test('a program that Docker has started again is told with the code it ended with, not with the 0 of its present run', async () => {
  const asked: unknown[] = [];
  const restarted = info('running', 2);
  const code = await lastExitCode(engine([die('1', 1), die('3', 2)], asked), restarted, signal);
  assert.equal(crashOf(restarted, code), 'it exited with code 3 and was restarted');
  assert.deepEqual(asked, [
    {
      since: '1769853600.500',
      until: '1769853609.250',
      filters: { container: ['c1'], event: ['die'] },
      signal,
    },
  ]);
});

test('without events no code is made up', async () => {
  const restarted = info('running', 1);
  const code = await lastExitCode(engine([]), restarted, signal);
  assert.equal(crashOf(restarted, code), 'it exited and was restarted');
  assert.equal(exitCodeOf([]), undefined);
});

test('between two runs and at the end Docker itself knows the code, and nobody else is asked', async () => {
  const asked: unknown[] = [];
  for (const status of ['restarting', 'exited'] as const) {
    const stopped = info(status, 1, 7);
    const code = await lastExitCode(engine([], asked), stopped, signal);
    assert.match(crashOf(stopped, code) ?? '', /^it exited with code 7/);
  }
  assert.deepEqual(asked, []);
});

test('what runs has not crashed', async () => {
  const code = await lastExitCode(engine([]), info('running', 0), signal);
  assert.equal(crashOf(info('running', 0), code), undefined);
});

test('a program that serves on after one of its processes ran out of memory has not crashed', () => {
  const withOom = (status: 'running' | 'exited', restarts: number) => {
    const ended = info(status, restarts, 137);
    return { ...ended, State: { ...ended.State, OOMKilled: true } };
  };
  assert.equal(crashOf(withOom('running', 0), undefined), undefined);
  assert.equal(crashOf(withOom('exited', 0), 137), 'it ran out of memory and was killed');
  assert.equal(crashOf(withOom('running', 1), 137), 'it ran out of memory and was killed');
});
