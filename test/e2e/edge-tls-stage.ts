import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { request as requestPlain } from 'node:http';
import { type Agent, type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseEntry } from '../../src/catalog/index.ts';
import { type Acknowledgement, KEY, type RouteRecord } from '../../src/catalog/record.ts';
import type { CertificateRecord, TlsAcknowledgement } from '../../src/catalog/tls-record.ts';
import { defaultEdgeRules, type EdgeRules } from '../../src/cluster.ts';
import type { RouteTls } from '../../src/compose/desired.ts';
import { EdgeLoop } from '../../src/edge/index.ts';
import { startTestCatalog, type TestCatalog } from '../test-catalog.ts';
import { certificateRecord, type IssueChange, makeRoot, type TestRoot } from '../test-certificates.ts';
import { EdgeUnderTest, freePort, sources, type Upstream, until } from './edge-nginx.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Stage {
  readonly t: TestContext;
  readonly edge: EdgeUnderTest;
  readonly catalog: TestCatalog;
  readonly root: TestRoot;
  readonly state: string;
  readonly rules: EdgeRules;
}

/** The edge loop with a real catalog and a real nginx that serves HTTPS with certificates of a CA of the test's own. */
export class TlsStage {
  readonly clusterKey = Buffer.alloc(32, 7).toString('base64');
  readonly stage: Stage;
  /** What the loop takes for the time of day. */
  wallMs = Date.now();
  loop: EdgeLoop | undefined;
  #end: (() => Promise<void>) | undefined;

  private constructor(stage: Stage) {
    this.stage = stage;
  }

  static async make(t: TestContext, rules: Partial<EdgeRules> = {}): Promise<TlsStage> {
    const catalog = await startTestCatalog(t);
    const edge = await EdgeUnderTest.make();
    const state = await mkdtemp(join(tmpdir(), 'seawall-edge-state-'));
    const all = { ...defaultEdgeRules, httpsPort: await freePort(), ...rules };
    const stage = new TlsStage({ t, edge, catalog, root: await makeRoot(), state, rules: all });
    t.after(async () => {
      await stage.stop();
      await edge.remove();
      await rm(state, { recursive: true, force: true });
    });
    for (const key of [KEY.cluster, KEY.host('app1'), KEY.alive('app1')])
      await catalog.client.kvPut(key, '{}');
    await edge.startContainer();
    stage.start();
    return stage;
  }

  get httpsPort(): number {
    return this.stage.rules.httpsPort;
  }

  start(): void {
    const { edge, catalog, rules, state, t } = this.stage;
    const end = new AbortController();
    this.loop = new EdgeLoop({
      client: catalog.client,
      docker: edge.docker,
      host: { name: 'front', privateAddress: sources.requests },
      httpPort: edge.port,
      clusterKey: this.clusterKey,
      rules,
      wallClock: () => this.wallMs,
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

  async publish(routes: readonly RouteRecord[]): Promise<void> {
    await this.stage.catalog.client.kvPut(KEY.route('polls'), JSON.stringify(routes));
  }

  /** As the registrar does, for a container that was started by hand: every replica can have a port of its own. */
  async register({ address }: Upstream, name = 'polls-web'): Promise<void> {
    const port = Number(address.split(':')[1]);
    const id = `app1:${name}-${port}:${port}`;
    await this.stage.catalog.client.register({
      node: 'app1',
      nodeAddress: '10.208.16.1',
      service: { id, name, address: '127.0.0.1', port, tags: [], meta: {} },
      checks: [{ id: `service:${id}`, name: 'test', status: 'passing', output: '', serviceId: id }],
    });
  }

  async issue(names: readonly string[], change: IssueChange = {}, record: Partial<CertificateRecord> = {}) {
    const { type = 'ecdsa' } = change;
    const issued = await this.stage.root.issue(names, change);
    return certificateRecord(names, [{ ...issued, type }], this.clusterKey, record);
  }

  async put(record: CertificateRecord): Promise<void> {
    await this.stage.catalog.client.kvPut(KEY.liveCertificate(record.id), JSON.stringify(record));
  }

  /** Issues a certificate, puts it into the catalog and waits until the edge says that it serves it. */
  async certify(
    names: readonly string[],
    record: Partial<CertificateRecord> = {},
  ): Promise<CertificateRecord> {
    const made = await this.issue(names, {}, record);
    await this.put(made);
    return made;
  }

  async served({ id, keys }: CertificateRecord): Promise<TlsAcknowledgement> {
    const wanted = keys.map(({ fingerprint }) => fingerprint).toSorted();
    return this.said(`${id} is in force`, ({ certificates }) => certificates[id]?.join() === wanted.join());
  }

  said(what: string, holds: (ack: TlsAcknowledgement) => boolean): Promise<TlsAcknowledgement> {
    return this.#wait(KEY.tlsAck('front'), what, holds);
  }

  acknowledged(what: string, holds: (ack: Acknowledgement) => boolean): Promise<Acknowledgement> {
    return this.#wait(KEY.edgeAck('front'), what, holds);
  }

  inForce({ address }: Upstream, name = 'polls-web'): Promise<Acknowledgement> {
    return this.acknowledged(
      `${address} is in force`,
      ({ services }) => services[name]?.includes(address) === true,
    );
  }

  #wait<T>(key: string, what: string, holds: (ack: T) => boolean): Promise<T> {
    let last: T | undefined;
    const look = async () => {
      const { value } = await this.stage.catalog.client.kvGet(key);
      last = value === undefined ? undefined : parseEntry<T>(value);
      return last !== undefined && holds(last) && last;
    };
    return until(what, look).catch((error: unknown) => {
      throw new Error(`last said: ${JSON.stringify(last)}`, { cause: error });
    });
  }

  /** Asks over HTTPS, trusting the test's CA. */
  get(
    domain: string,
    path = '/',
    options: RequestOptions & { readonly agent?: Agent } = {},
  ): Promise<Answer> {
    const { headers, ...rest } = options;
    return this.#ask(request, {
      port: this.httpsPort,
      path,
      servername: domain,
      ca: this.stage.root.certificate,
      agent: false,
      ...rest,
      headers: { host: `${domain}:${this.httpsPort}`, ...(headers as object) },
    });
  }

  /** Asks over plain HTTP. */
  plain(domain: string, path = '/', options: RequestOptions = {}): Promise<Answer> {
    const { headers, ...rest } = options;
    return this.#ask(requestPlain, {
      port: this.stage.edge.port,
      path,
      agent: false,
      ...rest,
      headers: { host: domain, ...(headers as object) },
    });
  }

  #ask(send: typeof request | typeof requestPlain, options: RequestOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = send({ host: '127.0.0.1', timeout: 20_000, ...options }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      call.on('error', reject);
      call.on('timeout', () => call.destroy(new Error('no answer within 20 s')));
      call.end(options.method === 'POST' ? 'body' : undefined);
    });
  }
}

/** What a route says of HTTPS when its owner says nothing. */
export const routeTls = (certificate: string, change: Partial<RouteTls> = {}): RouteTls => ({
  certificate,
  redirect: true,
  hsts: { maxAgeSeconds: 15_552_000, subdomains: false, preload: false },
  ...change,
});
