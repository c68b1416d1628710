import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo, ContainerSummary } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { type RegistrarOptions, watchRegistrar } from './watch.ts';

const labels = {
  [LABEL.kind]: 'replica',
  [LABEL.project]: 'shop',
  [LABEL.service]: 'web',
  [LABEL.port]: '8000',
  [LABEL.release]: '1',
  [LABEL.replica]: '1',
};
const networks = { 'seawall.shop.default': { IPAddress: '10.208.16.130' } };

/** A Docker with one container, whose health and failures are set from outside. */
const makeDocker = () => {
  const state = { health: 'healthy', failures: 0 };
  const docker = {
    listContainers: async () => [
      {
        Id: 'c1',
        Names: ['/shop-web-1'],
        State: 'running',
        Status: `Up 3 minutes (${state.health})`,
        Labels: labels,
        Ports: [],
        NetworkSettings: { Networks: networks },
      } as unknown as ContainerSummary,
    ],
    inspectContainer: async () => {
      if (state.failures > 0) {
        state.failures -= 1;
        throw new Error('Docker did not answer');
      }
      return {
        Id: 'c1',
        Name: '/shop-web-1',
        State: {
          Status: 'running',
          Running: true,
          StartedAt: '2026-01-01T00:00:00Z',
          Health: { Status: state.health, Log: [] },
        },
        Config: { Labels: labels, Env: [], Image: 'web', Healthcheck: { Test: ['CMD', 'true'] } },
        HostConfig: { NetworkMode: 'seawall.shop.default' },
        NetworkSettings: { Networks: networks, Ports: {} },
      } as unknown as ContainerInfo;
    },
    events: async function* ({ signal }: { readonly signal?: AbortSignal }) {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      yield* [];
    },
    exec: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
  };
  return { state, docker: docker as unknown as RegistrarOptions['docker'] };
};

/** A catalog that remembers one entry. */
const makeClient = () => {
  let written:
    | { readonly service: unknown; readonly checks: readonly { readonly status: string }[] }
    | undefined;
  const client = {
    kvGet: async () => ({ index: 1, value: undefined }),
    register: async (entry: typeof written) => {
      written = entry;
    },
    deregister: async () => {
      written = undefined;
    },
    nodeServices: async () => ({ index: 1, value: written === undefined ? [] : [written.service] }),
    nodeChecks: async () => ({ index: 1, value: written?.checks ?? [] }),
  };
  return {
    client: client as unknown as RegistrarOptions['client'],
    status: () => written?.checks[0]?.status,
  };
};

async function until(condition: () => boolean, t: TestContext): Promise<boolean> {
  for (let tries = 0; tries < 250 && !t.signal.aborted; tries += 1) {
    if (condition()) return true;
    await sleep(20);
  }
  return false;
}

test('one look that failed does not keep an old verdict', async (t) => {
  const { state, docker } = makeDocker();
  const { client, status } = makeClient();
  const end = new AbortController();
  const host = { name: 'h1', privateAddress: '10.208.16.1' };
  const ended = watchRegistrar({
    client,
    docker,
    host,
    signal: end.signal,
    log: () => undefined,
    relistMs: 20,
  });
  t.after(async () => {
    end.abort();
    await ended;
  });
  assert.ok(await until(() => status() === 'passing', t), `${status()}`);
  state.failures = 1;
  state.health = 'unhealthy';
  assert.ok(await until(() => status() === 'critical', t), `${status()}`);
});
