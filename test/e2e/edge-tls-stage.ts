import type { IncomingHttpHeaders } from 'node:http';
import { request as requestPlain } from 'node:http';
import { type Agent, type RequestOptions, request } from 'node:https';
import type { TestContext } from 'node:test';
import { parseEntry } from '../../src/catalog/index.ts';
import { type Acknowledgement, KEY } from '../../src/catalog/record.ts';
import type { CertificateRecord, TlsAcknowledgement } from '../../src/catalog/tls-record.ts';
import { defaultEdgeRules, type EdgeRules } from '../../src/cluster.ts';
import type { RouteTls } from '../../src/compose/desired.ts';
import { certificateRecord, type IssueChange, makeRoot, type TestRoot } from '../test-certificates.ts';
import { type EdgeLoopParts, EdgeLoopStage, makeEdgeLoopParts } from './edge-loop-stage.ts';
import { freePort, type Upstream, until } from './edge-nginx.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The edge loop with a real catalog and a real nginx that serves HTTPS with certificates of a CA of the test's own. */
export class TlsStage extends EdgeLoopStage {
  readonly clusterKey = Buffer.alloc(32, 7).toString('base64');
  readonly root: TestRoot;
  /** What the loop takes for the time of day. */
  wallMs = Date.now();
  readonly #rules: EdgeRules;

  private constructor(parts: EdgeLoopParts, root: TestRoot, rules: EdgeRules) {
    super(parts);
    this.root = root;
    this.#rules = rules;
  }

  static async make(t: TestContext, rules: Partial<EdgeRules> = {}): Promise<TlsStage> {
    const all = { ...defaultEdgeRules, httpsPort: await freePort(), ...rules };
    const stage = new TlsStage(await makeEdgeLoopParts(t), await makeRoot(), all);
    await stage.open();
    return stage;
  }

  protected options() {
    return { clusterKey: this.clusterKey, rules: this.#rules, wallClock: () => this.wallMs };
  }

  get httpsPort(): number {
    return this.#rules.httpsPort;
  }

  async issue(names: readonly string[], change: IssueChange = {}, record: Partial<CertificateRecord> = {}) {
    const { type = 'ecdsa' } = change;
    const issued = await this.root.issue(names, change);
    return certificateRecord(names, [{ ...issued, type }], this.clusterKey, record);
  }

  async put(record: CertificateRecord): Promise<void> {
    await this.parts.catalog.client.kvPut(KEY.liveCertificate(record.id), JSON.stringify(record));
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
      const { value } = await this.parts.catalog.client.kvGet(key);
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
      ca: this.root.certificate,
      agent: false,
      ...rest,
      headers: { host: `${domain}:${this.httpsPort}`, ...(headers as object) },
    });
  }

  /** Asks over plain HTTP. */
  plain(domain: string, path = '/', options: RequestOptions = {}): Promise<Answer> {
    const { headers, ...rest } = options;
    return this.#ask(requestPlain, {
      port: this.parts.edge.port,
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
