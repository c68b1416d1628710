import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { project, service } from '../../test/plan-samples.ts';
import type { UpdateRule } from '../compose/desired.ts';
import type { RolloutContext } from './context.ts';
import { type SwapParts, swapStopFirst, type Wanted } from './swap.ts';

const stopFirst: UpdateRule = {
  ...{ parallelism: 1, delayMs: 0, monitorMs: 5000, maxFailureRatio: 0 },
  order: 'stop-first',
  failureAction: 'rollback',
};
const db = service('db', { update: stopFirst, rollback: stopFirst });

interface Box {
  readonly id: string;
  readonly address: string;
  running: boolean;
}

/** One host that runs `old`, beside another one whose acknowledgements end with `absent`; time flies while somebody waits. */
class Stage {
  readonly boxes: Record<string, Box> = { old: { id: 'old', address: '10.208.16.130', running: true } };
  /** What Docker was told. */
  readonly done: string[] = [];
  readonly #draining = new Set<string>();
  readonly #halt = new AbortController();
  absent = false;
  /** Docker does not get the new one stopped. */
  stuck = false;
  onDrain = (): void => {};

  constructor(t: TestContext) {
    const real = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => real() + this.#skewMs);
  }

  #skewMs = 0;

  get running(): string[] {
    return Object.values(this.boxes).flatMap(({ id, running }) => (running ? [id] : []));
  }

  haltRollout(): void {
    this.#halt.abort(new Error('another service failed'));
  }

  swap(): Promise<void> {
    const host = { name: 'app1', docker: this.#docker(), roles: ['app'] };
    const old = { id: 'old', name: 'old', host: 'app1', replica: 1 };
    const wanted = { service: db, host, replica: 1 } as unknown as Wanted;
    const leaving = { serviceName: 'db', host: wanted.host, old, rule: db };
    return swapStopFirst(this.#parts(wanted.host), wanted, leaving);
  }

  #parts(host: Wanted['host']): SwapParts {
    const hosts = ['app1', 'app2'].map((name, index) => ({
      ...{ name, number: index + 1, roles: ['app'], privateAddress: `10.208.${16 * (index + 1)}.1` },
    }));
    const context = {
      ...{ desired: project(db), release: 2, cluster: { range: '10.208.0.0/12' }, client: this.#client() },
      ...{
        links: new Map([['app1', host]]),
        hosts,
        absent: [],
        images: { db: { reference: 'db:2', id: 'i' } },
      },
      ...{ report: () => {}, signal: new AbortController().signal, suffix: () => 'abcd' },
      ...{ drains: { replicas: 0, longestMs: 0, socketsCut: 0 }, announceAway: async () => {} },
      withoutAcknowledgement: false,
    } as unknown as RolloutContext;
    return {
      ...{ context, halt: this.#halt.signal, note: () => {}, leave: (work) => work() },
      book: { allocate: async () => ({ default: '10.208.16.131' }) } as never,
      monitor: () => ({ failure: undefined }),
    };
  }

  #instances() {
    return Object.values(this.boxes)
      .filter(({ running }) => running)
      .map(({ id, address }) => ({
        ...{ id: `app1:${id}:0`, service: 'polls-db', host: 'app1', address, port: 0, tags: [] },
        ...{ meta: { 'seawall-container': id }, status: 'passing', output: '' },
        draining: this.#draining.has(`app1:${id}:0`),
      }));
  }

  #client() {
    const list = async (prefix: string) => {
      this.#skewMs += 1000;
      await new Promise((done) => setTimeout(done, 1));
      const served = this.#instances().filter(({ draining }) => !draining);
      const services = { 'polls-db': served.map(({ address }) => address) };
      const value = JSON.stringify({ generation: 1, routes: {}, lingering: {}, problems: {}, services });
      const from = prefix.startsWith('seawall/ack/names') ? ['app1', ...(this.absent ? [] : ['app2'])] : [];
      return { index: 1, value: from.map((host) => ({ key: `${prefix}${host}`, value, modifyIndex: 1 })) };
    };
    return {
      serviceInstances: async () => ({ value: this.#instances(), index: 1 }),
      kvList: list,
      kvGet: async () => ({ value: undefined, index: 1 }),
      kvPut: async () => true,
      register: async ({ checks = [] }: { checks?: { serviceId: string }[] }) => {
        for (const { serviceId } of checks) this.#draining.add(serviceId);
        this.onDrain();
      },
      deregister: async ({ checkId = '' }: { checkId?: string }) =>
        void this.#draining.delete(checkId.replace('_service_maintenance:', '')),
    };
  }

  #docker() {
    const stateOf = (id: string) => {
      const running = this.boxes[id]?.running === true;
      return { Status: running ? 'running' : 'exited', Running: running, OOMKilled: false, ExitCode: 0 };
    };
    const set = (id: string, running: boolean): void => {
      this.done.push(`${running ? 'start' : 'stop'} ${id}`);
      if (!running && id === 'new' && this.stuck) throw new Error('Docker does not answer');
      const box = this.boxes[id];
      if (box) box.running = running;
    };
    return {
      listContainers: async () => [],
      inspectContainer: async (id: string) => ({
        ...{ Id: id, Name: id, Created: '', RestartCount: 0, State: stateOf(id), Config: { Labels: {} } },
      }),
      createContainer: async () => {
        this.boxes.new = { id: 'new', address: '10.208.16.131', running: false };
        return 'new';
      },
      startContainer: async (id: string) => set(id, true),
      stopContainer: async (id: string) => {
        set(id, false);
        if (id === 'old') this.onStopped();
      },
      removeContainer: async (id: string) => void delete this.boxes[id],
      connectNetwork: async () => {},
    };
  }

  onStopped = (): void => {};
}

test('of two that write to one volume the old one starts again only when the new one has ended', async (t) => {
  const stage = new Stage(t);
  // From then on nobody confirms for that host that the new one serves, or that it gets nothing any more.
  stage.onStopped = () => {
    stage.absent = true;
  };
  await assert.rejects(stage.swap());
  assert.deepEqual(stage.done.slice(0, 4), ['stop old', 'start new', 'stop new', 'start old']);
  assert.deepEqual(stage.running, ['old']);
});

test('when the new one does not end, the old one stays stopped, and the error says what to do', async (t) => {
  const stage = new Stage(t);
  stage.stuck = true;
  stage.onStopped = () => {
    stage.absent = true;
  };
  await assert.rejects(stage.swap(), { code: 'mixed', hint: /Stop polls-db-1-abcd, then: seawall deploy/ });
  assert.deepEqual(stage.running, ['new']);
});

test('a rollout that is to end while the old one drains leaves it where it is', async (t) => {
  const stage = new Stage(t);
  stage.onDrain = () => stage.haltRollout();
  await assert.rejects(stage.swap(), /another service failed/);
  assert.deepEqual(stage.done, []);
  assert.deepEqual(stage.running, ['old']);
});
