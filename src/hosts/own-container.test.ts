import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Docker } from './docker.ts';
import { DockerError } from './docker-error.ts';
import { ensureContainer } from './own-container.ts';

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** An engine with one container of another body, or none; `onCall` may abort, and a call whose signal is aborted fails. */
function fakeDocker(exists: boolean, onCall: (name: string) => void) {
  const calls: string[] = [];
  const call = async <T>(name: string, options: Options | undefined, result: T): Promise<T> => {
    onCall(name);
    options?.signal?.throwIfAborted();
    calls.push(name);
    return result;
  };
  const found = { Id: 'old', State: { Running: true }, Config: { Labels: {} } };
  const docker = {
    inspectContainer: async () => {
      if (exists) return found;
      throw new DockerError(404, 'No such container');
    },
    stopContainer: (_id: string, _graceMs: number, options?: Options) => call('stop', options, undefined),
    removeContainer: (_id: string, options?: Options) => call('remove', options, undefined),
    createContainer: (_name: string, _body: unknown, options?: Options) => call('create', options, 'new'),
    startContainer: (id: string, options?: Options) => call(`start ${id}`, options, undefined),
  };
  return { docker: docker as unknown as Docker, calls };
}

for (const at of ['stop', 'remove', 'create', 'start new']) {
  test(`a signal during "${at}" leaves the new container running, and is thrown then`, async () => {
    const { signal, abort } = controller();
    const { docker, calls } = fakeDocker(true, (name) => name === at && abort());
    const ensured = ensureContainer(docker, 'seawall-x', { Image: 'i' }, { graceMs: 1, signal });
    await assert.rejects(ensured, { message: 'Ctrl-C' });
    assert.deepEqual(calls, ['stop', 'remove', 'create', 'start new']);
  });
}

test('a signal that came before touches nothing', async () => {
  const { signal, abort } = controller();
  abort();
  const { docker, calls } = fakeDocker(true, () => {});
  const ensured = ensureContainer(docker, 'seawall-x', { Image: 'i' }, { graceMs: 1, signal });
  await assert.rejects(ensured, { message: 'Ctrl-C' });
  assert.deepEqual(calls, []);
});

test('without a signal a container is made, or made anew', async () => {
  const options = { graceMs: 1 };
  assert.equal(
    await ensureContainer(fakeDocker(false, () => {}).docker, 'x', { Image: 'i' }, options),
    'created',
  );
  assert.equal(
    await ensureContainer(fakeDocker(true, () => {}).docker, 'x', { Image: 'i' }, options),
    'replaced',
  );
});

function controller() {
  const aborting = new AbortController();
  return { signal: aborting.signal, abort: () => aborting.abort(new Error('Ctrl-C')) };
}
