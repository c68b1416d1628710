import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { RouteRecord } from '../../src/catalog/record.ts';
import { defaultEdgeRules } from '../../src/cluster.ts';
import { leastCapabilities } from '../../src/edge/capabilities.ts';
import { type EdgeModel, type EdgeSettings, edgeModel } from '../../src/edge/model.ts';
import { NginxControl } from '../../src/edge/nginx.ts';
import { renderNginx } from '../../src/edge/render.ts';
import { upstreamName } from '../../src/edge/upstream-name.ts';
import { edgeContainerBody } from '../../src/edge-container.ts';
import { Docker } from '../../src/hosts/index.ts';
import { until as waitUntil } from '../until.ts';

export const edgeImage = 'nginx:1.30';
/** Loopback has them all: they stand for the host's private address and the one after it. */
export const sources = { requests: '127.0.0.2', upgraded: '127.0.0.3' };

/** Waits for a condition. */
export const until = <T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 20_000,
): Promise<T> => waitUntil(what, deadlineMs / 1000, look, 25);

/** A real nginx in the container that Seawall runs, on a free port and in a folder of its own. */
export class EdgeUnderTest {
  readonly docker = new Docker('/var/run/docker.sock');
  readonly port: number;
  readonly folder: string;
  readonly container: string;
  readonly control: NginxControl;
  readonly signal = AbortSignal.timeout(300_000);
  #generation = 0;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
    this.container = `seawall-edge-test-${port}`;
    this.control = new NginxControl({
      docker: this.docker,
      container: this.container,
      edgePath: folder,
      sockets: { listenPorts: [port], upgradedSource: sources.upgraded },
    });
  }

  static async make(): Promise<EdgeUnderTest> {
    return new EdgeUnderTest(await mkdtemp(join(tmpdir(), 'seawall-edge-')), await freePort());
  }

  async startContainer(): Promise<void> {
    const body = edgeContainerBody({ image: edgeImage, cluster: 'test', edgePath: this.folder });
    await this.docker.createContainer(this.container, body);
    await this.docker.startContainer(this.container);
  }

  settings(generation: number): EdgeSettings {
    return {
      generation,
      httpPort: this.port,
      rules: defaultEdgeRules,
      capabilities: leastCapabilities,
      ipv6: true,
      sources,
      paths: { edge: this.folder },
      user: 'nginx',
    };
  }

  model(routes: readonly RouteRecord[], addresses: Readonly<Record<string, readonly string[]>>): EdgeModel {
    this.#generation += 1;
    const inForce = new Map(
      routes.map((route) => [upstreamName(route), addresses[route.catalogService] ?? []]),
    );
    const { model, problems } = edgeModel(routes, inForce, this.settings(this.#generation));
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    return model;
  }

  /** @returns the generation. */
  async apply(
    routes: readonly RouteRecord[],
    addresses: Readonly<Record<string, readonly string[]>>,
  ): Promise<number> {
    const model = this.model(routes, addresses);
    const { generation } = model.settings;
    await this.control.apply({ generation, text: renderNginx(model) }, this.signal);
    await until(`generation ${generation}`, async () => (await this.control.running()) === generation);
    return generation;
  }

  async logs(): Promise<string> {
    let text = '';
    for await (const line of this.docker.containerLogs(this.container)) text += `${line.line}\n`;
    return text;
  }

  async remove(): Promise<void> {
    this.control.close();
    await this.docker.removeContainer(this.container, { force: true }).catch(() => undefined);
    this.docker.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function route(change: Partial<RouteRecord> = {}): RouteRecord {
  return {
    project: 'polls',
    domain: 'polls.test',
    path: '/',
    catalogService: 'polls-web',
    port: 8000,
    tls: 'off',
    bodyLimitBytes: 4 * 1024 * 1024,
    connectTimeoutMs: 2_000,
    readTimeoutMs: 60_000,
    sendTimeoutMs: 60_000,
    upstreamKeepaliveMs: 1_000,
    ...change,
  };
}

/** A replica: a server of this process. */
export interface Upstream {
  readonly address: string;
  readonly server: Server;
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

export async function startUpstream(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  upgrade?: (socket: Duplex, request: IncomingMessage) => void,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Upstream> {
  const requests: IncomingMessage[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request);
    handle(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('upgrade', (request, socket) => upgrade?.(socket, request));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `127.0.0.1:${port}`, server, requests, close };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
