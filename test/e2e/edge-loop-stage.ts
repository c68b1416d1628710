import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { KEY, type RouteRecord } from '../../src/catalog/record.ts';
import { EdgeLoop } from '../../src/edge/index.ts';
import { sha256 } from '../../src/hash.ts';
import { startTestCatalog, type TestCatalog } from '../test-catalog.ts';
import { EdgeUnderTest, sources, type Upstream } from './edge-nginx.ts';

type LoopOptions = ConstructorParameters<typeof EdgeLoop>[0];

export interface EdgeLoopParts {
  readonly t: TestContext;
  readonly catalog: TestCatalog;
  readonly edge: EdgeUnderTest;
  /** The loop's own folder. */
  readonly state: string;
}

/** A replica as the registrar has it in the catalog. */
export interface Registered {
  readonly name?: string;
  readonly status?: 'passing' | 'critical';
  readonly meta?: Readonly<Record<string, string>>;
}

/** A real catalog, and a container for a real nginx that is not started. */
export async function makeEdgeLoopParts(t: TestContext): Promise<EdgeLoopParts> {
  const catalog = await startTestCatalog(t);
  const edge = await EdgeUnderTest.make();
  const state = await mkdtemp(join(tmpdir(), 'seawall-edge-state-'));
  return { t, catalog, edge, state };
}

/** The edge loop as the agent runs it, on parts that end with the test. */
export abstract class EdgeLoopStage {
  readonly parts: EdgeLoopParts;
  loop: EdgeLoop | undefined;
  #end: (() => Promise<void>) | undefined;

  constructor(parts: EdgeLoopParts) {
    this.parts = parts;
    parts.t.after(async () => {
      await this.stop();
      await parts.edge.remove();
      await rm(parts.state, { recursive: true, force: true });
    });
  }

  /** Starts the container and the loop. */
  async open(): Promise<void> {
    const { catalog, edge } = this.parts;
    for (const key of [KEY.cluster, KEY.host('app1'), KEY.alive('app1')])
      await catalog.client.kvPut(key, '{}');
    await edge.startContainer();
    this.start();
  }

  protected abstract options(): Pick<LoopOptions, 'clusterKey' | 'rules' | 'wallClock'>;

  start(): void {
    const { t, catalog, edge, state } = this.parts;
    const end = new AbortController();
    this.loop = new EdgeLoop({
      ...this.options(),
      client: catalog.client,
      docker: edge.docker,
      host: { name: 'front', privateAddress: sources.requests },
      httpPort: edge.port,
      signal: end.signal,
      log: (line) => t.diagnostic(line),
      paths: { edge: edge.folder, state },
      container: edge.container,
    });
    const done = this.loop.run();
    this.#end = async () => {
      end.abort();
      await done;
    };
  }

  async stop(): Promise<void> {
    await this.#end?.();
    this.#end = undefined;
  }

  /** @returns SHA-256 of what is in the catalog. */
  async publish(routes: readonly RouteRecord[]): Promise<string> {
    const text = JSON.stringify(routes);
    await this.parts.catalog.client.kvPut(KEY.route('polls'), text);
    return sha256(text);
  }

  /** As the registrar does, for a container that was started by hand: every replica can have a port of its own. */
  async register({ address }: Upstream, registered: Registered = {}): Promise<void> {
    const { name = 'polls-web', status = 'passing', meta = {} } = registered;
    const port = Number(address.split(':')[1]);
    const id = `app1:${name}-${port}:${port}`;
    await this.parts.catalog.client.register({
      node: 'app1',
      nodeAddress: '10.208.16.1',
      service: { id, name, address: '127.0.0.1', port, tags: [], meta },
      checks: [{ id: `service:${id}`, name: 'test', status, output: '', serviceId: id }],
    });
  }
}
