import { SeawallError } from '../errors.ts';
import { CatalogCalls, type ReadOptions } from './calls.ts';
import type {
  Answer,
  CheckEntry,
  Deregistration,
  KvEntry,
  Registration,
  ServiceEntry,
  SessionEntry,
  SessionRequest,
} from './entry.ts';
import { foldInstances } from './instance.ts';
import type { Instance } from './record.ts';
import {
  checkRows,
  healthRows,
  kvRows,
  nodeRows,
  nodeServicesRow,
  serviceNames,
  sessionId,
  sessionRows,
} from './rows.ts';
import {
  type CallOptions,
  type CatalogConnection,
  type CatalogRequest,
  CatalogTransport,
} from './transport.ts';
import { checkEntry, kvEntry, registrationBody, serviceEntry, sessionEntry } from './wire.ts';

export interface KvPutOptions extends CallOptions {
  /** Write only when the entry's modifyIndex is this; 0: only when there is none. */
  readonly cas?: number;
  /** Session that takes the key (and keeps it when it has it already). */
  readonly acquire?: string;
  /** Session that gives the key back. */
  readonly release?: string;
}

export interface KvDeleteOptions extends CallOptions {
  readonly cas?: number;
  /** Everything whose key begins so. */
  readonly recurse?: boolean;
}

/**
 * Consul's HTTP API as far as Seawall needs it. It does not know whether the embedded catalog or a real Consul
 * answers. Every method throws SeawallError: `unreachable` (no answer, or a server without a leader; worth trying again),
 * `refused` (token, certificate, size or content), `bug` (an answer that is not Consul's).
 */
export class CatalogClient {
  readonly #transport: CatalogTransport;
  readonly #calls: CatalogCalls;

  constructor(connection: CatalogConnection) {
    this.#transport = new CatalogTransport(connection);
    this.#calls = new CatalogCalls(this.#transport);
  }

  /** Address of the other side, for messages. */
  get place(): string {
    return this.#transport.place;
  }

  /** performance.now() of the first failed call since the last answer; absent while calls succeed. */
  get failingSince(): number | undefined {
    return this.#transport.failingSince;
  }

  /** Turns to another place of the same catalog; calls under way fail as unreachable. */
  move(connection: CatalogConnection): void {
    this.#transport.move(connection);
  }

  /** Ends all connections; calls under way fail. */
  close(): void {
    this.#transport.close();
  }

  async kvGet(key: string, options: ReadOptions = {}): Promise<Answer<KvEntry | undefined>> {
    const { value, index } = await this.#calls.read(`/v1/kv/${keyPath(key)}`, {}, kvRows, [], options);
    return { value: value[0] === undefined ? undefined : kvEntry(value[0]), index };
  }

  /** Entries whose key begins with `prefix`, sorted by key. */
  async kvList(prefix: string, options: ReadOptions = {}): Promise<Answer<KvEntry[]>> {
    const { value, index } = await this.#calls.read(
      `/v1/kv/${keyPath(prefix)}`,
      { recurse: '' },
      kvRows,
      [],
      options,
    );
    return { value: value.map(kvEntry), index };
  }

  /** @returns false when `cas`, `acquire` or `release` did not hold. */
  async kvPut(key: string, value: string, options: KvPutOptions = {}): Promise<boolean> {
    const { cas, acquire, release, ...call } = options;
    return this.#calls.decide({
      method: 'PUT',
      path: `/v1/kv/${keyPath(key)}`,
      query: { cas, acquire, release },
      body: value,
      ...call,
    });
  }

  /** @returns false when `cas` did not hold. */
  async kvDelete(key: string, options: KvDeleteOptions = {}): Promise<boolean> {
    const { cas, recurse, ...call } = options;
    const query = { cas, recurse: recurse === true ? '' : undefined };
    return this.#calls.decide({ method: 'DELETE', path: `/v1/kv/${keyPath(key)}`, query, ...call });
  }

  async register(entry: Registration, options: CallOptions = {}): Promise<void> {
    await this.#calls.write('/v1/catalog/register', registrationBody(entry), options);
  }

  async deregister(what: Deregistration, options: CallOptions = {}): Promise<void> {
    await this.#calls.write(
      '/v1/catalog/deregister',
      { Node: what.node, ServiceID: what.serviceId, CheckID: what.checkId },
      options,
    );
  }

  async nodes(
    options: ReadOptions = {},
  ): Promise<Answer<{ readonly name: string; readonly address: string }[]>> {
    const { value, index } = await this.#calls.read('/v1/catalog/nodes', {}, nodeRows, [], options);
    return { value: value.map((row) => ({ name: row.Node, address: row.Address })), index };
  }

  /** Services of one node, sorted by id; none for an unknown node. */
  async nodeServices(node: string, options: ReadOptions = {}): Promise<Answer<ServiceEntry[]>> {
    const { value, index } = await this.#calls.read(
      `/v1/catalog/node/${encodeURIComponent(node)}`,
      {},
      nodeServicesRow,
      null,
      options,
    );
    const rows = Object.values(value?.Services ?? {}).toSorted((a, b) => (a.ID < b.ID ? -1 : 1));
    return { value: rows.map(serviceEntry), index };
  }

  /** Checks of one node, its services' included. */
  async nodeChecks(node: string, options: ReadOptions = {}): Promise<Answer<CheckEntry[]>> {
    const { value, index } = await this.#calls.read(
      `/v1/health/node/${encodeURIComponent(node)}`,
      {},
      checkRows,
      [],
      options,
    );
    return { value: value.map(checkEntry), index };
  }

  /** Service names and their tags. */
  async services(options: ReadOptions = {}): Promise<Answer<Record<string, string[]>>> {
    const { value, index } = await this.#calls.read('/v1/catalog/services', {}, serviceNames, {}, options);
    return {
      value: Object.fromEntries(Object.entries(value).map(([name, tags]) => [name, tags ?? []])),
      index,
    };
  }

  /** All instances of a service, healthy or not, sorted by id. */
  async serviceInstances(name: string, options: ReadOptions = {}): Promise<Answer<Instance[]>> {
    const { value, index } = await this.#calls.read(
      `/v1/health/service/${encodeURIComponent(name)}`,
      {},
      healthRows,
      [],
      options,
    );
    return { value: foldInstances(value), index };
  }

  /** @returns the session's id. It depends on its TTL alone, on no node's health. */
  async sessionCreate(request: SessionRequest, options: CallOptions = {}): Promise<string> {
    const body = {
      Name: request.name,
      TTL: `${request.ttlMs}ms`,
      Behavior: request.behavior,
      LockDelay: `${request.lockDelayMs ?? 0}ms`,
      Checks: [],
      NodeChecks: [],
    };
    const response = await this.#calls.write('/v1/session/create', body, options);
    return this.#calls.parse(response, sessionId, '/v1/session/create').ID;
  }

  /** @returns false when there is no such session any more. */
  async sessionRenew(id: string, options: CallOptions = {}): Promise<boolean> {
    const request: CatalogRequest = {
      method: 'PUT',
      path: `/v1/session/renew/${encodeURIComponent(id)}`,
      ...options,
    };
    const response = await this.#transport.request(request);
    if (response.status === 404) return false;
    this.#calls.accept(response, request.path);
    return true;
  }

  async sessionDestroy(id: string, options: CallOptions = {}): Promise<void> {
    await this.#calls.decide({
      method: 'PUT',
      path: `/v1/session/destroy/${encodeURIComponent(id)}`,
      ...options,
    });
  }

  async sessionInfo(id: string, options: ReadOptions = {}): Promise<Answer<SessionEntry | undefined>> {
    const { value, index } = await this.#calls.read(
      `/v1/session/info/${encodeURIComponent(id)}`,
      {},
      sessionRows,
      [],
      options,
    );
    return { value: value[0] === undefined ? undefined : sessionEntry(value[0]), index };
  }

  /**
   * Everything that the embedded catalog holds, as the text of its snapshot; a real Consul has none of this form and gives
   * 404 (`refused`). With `index` it waits for a lasting change. `value` is undefined when nothing changed at all.
   */
  async snapshot(options: ReadOptions = {}): Promise<Answer<string | undefined>> {
    const { index, waitMs = 0, timeoutMs = 10_000, signal } = options;
    const response = await this.#transport.request({
      method: 'GET',
      path: '/v1/seawall/snapshot',
      query: index === undefined ? {} : { index, wait: `${waitMs}ms` },
      timeoutMs: waitMs + waitMs / 16 + timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status === 304) return { value: undefined, index: index ?? 1 };
    this.#calls.accept(response, '/v1/seawall/snapshot');
    return { value: response.text, index: Math.max(1, response.index) };
  }

  /** Has the embedded catalog hand over everything; it answers nobody any more, for two minutes at the most. */
  async stepDown(options: CallOptions = {}): Promise<string> {
    const request = { method: 'PUT', path: '/v1/seawall/step-down', ...options } as const;
    const response = await this.#transport.request(request);
    this.#calls.accept(response, request.path);
    return response.text;
  }

  /** Address of the leader; throws `unreachable` when the catalog has none. A cheap sign of life. */
  async leader(options: CallOptions = {}): Promise<string> {
    const response = await this.#transport.request({ method: 'GET', path: '/v1/status/leader', ...options });
    this.#calls.accept(response, '/v1/status/leader');
    const leader: unknown = JSON.parse(response.text);
    if (typeof leader !== 'string' || leader === '')
      throw new SeawallError('unreachable', `the catalog at ${this.place} has no leader`);
    return leader;
  }
}

/** Slashes stand in keys; all else is encoded. */
const keyPath = (key: string): string => key.split('/').map(encodeURIComponent).join('/');
