/** A catalog, edges that answer and acknowledge, and loops that lead: what the tests of certificates play on. */
import { createServer, request } from 'node:http';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CatalogClient, HeldKey, parseEntry, watchKeys } from '../src/catalog/index.ts';
import { type HostRecord, KEY } from '../src/catalog/record.ts';
import type {
  CertificateRecord,
  CertificateRequest,
  CertificateState,
  CertificateWish,
  IssuerRecord,
  TlsAcknowledgement,
} from '../src/catalog/tls-record.ts';
import {
  AcmeClient,
  type CertificatesOptions,
  DEFAULT_LIMITS,
  watchCertificates,
} from '../src/certs/index.ts';
import { SeawallError } from '../src/errors.ts';
import { startTestCatalog, type TestCatalog } from './test-catalog.ts';

export const CLUSTER_KEY = Buffer.alloc(32, 7).toString('base64');

/** One edge: serves challenge answers on `port` of loopback and says so in the catalog. */
export interface StandInEdge {
  /** Takes answers up no more, though it lives on. */
  readonly freeze: () => void;
  /** Its sign of life goes. */
  readonly die: () => Promise<void>;
}

export interface Stage {
  readonly catalog: TestCatalog;
  readonly client: CatalogClient;
  readonly wish: (
    wish: Partial<CertificateWish> & Pick<CertificateWish, 'names'>,
    project?: string,
  ) => Promise<CertificateWish>;
  readonly live: (id: string) => Promise<CertificateRecord | undefined>;
  readonly state: (id: string) => Promise<CertificateState | undefined>;
  readonly ask: (
    id: string,
    request: Pick<CertificateRequest, 'kind' | 'reason'>,
  ) => Promise<CertificateState>;
  /** Keys of challenge answers that lie about. */
  readonly answers: () => Promise<readonly string[]>;
  readonly lead: (options?: Partial<CertificatesOptions>) => Loop;
  readonly edge: (name: string) => Promise<StandInEdge>;
}

/** A running loop with a connection of its own. */
export interface Loop {
  readonly lines: readonly string[];
  readonly stop: () => Promise<void>;
  /** Its process is gone: nothing more reaches the catalog, and its session ends. */
  readonly kill: () => Promise<void>;
}

export interface StageOptions {
  /** Where the ACME server asks. */
  readonly port: number;
  readonly issuers: readonly IssuerRecord[];
}

/** Waits for something that a CA has to do; fails after a minute, naming what it waited for. */
export async function until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const value = await probe().catch(whileAway);
    if (value !== undefined && value !== false) return value as T;
    if (performance.now() > deadline) throw new Error(`did not come to pass: ${what}`);
    await sleep(50);
  }
}

/** A catalog that is being restarted answers later. */
function whileAway(error: unknown): undefined {
  if (!(error instanceof SeawallError) || error.code !== 'unreachable') throw error;
}

export async function makeStage(t: TestContext, { port, issuers }: StageOptions): Promise<Stage> {
  const catalog = await startTestCatalog(t);
  const { client } = catalog;
  const wishes = new Map<string, Map<string, CertificateWish>>();
  const read = async <T>(key: string): Promise<T | undefined> => {
    const { value } = await client.kvGet(key);
    return value === undefined ? undefined : parseEntry<T>(value);
  };
  const state = (id: string) => read<CertificateState>(KEY.certificateState(id));
  await serveAnswers(t, client, port);
  return {
    catalog,
    client,
    state,
    live: (id) => read<CertificateRecord>(KEY.liveCertificate(id)),
    answers: async () => (await client.kvList(KEY.challengeAnswers)).value.map(({ key }) => key),
    wish: async (given, project = 'polls') => {
      const [first = ''] = given.names;
      const id = first.replace(/^\*\./, '_wildcard.');
      const wish = { id, source: 'acme', issuers, challenge: 'http', keys: ['ecdsa'], ...given } as const;
      const own = wishes.get(project) ?? new Map<string, CertificateWish>();
      own.set(id, wish);
      wishes.set(project, own);
      await client.kvPut(KEY.wish(project), JSON.stringify([...own.values()]));
      return wish;
    },
    ask: async (id, asked) => {
      const about = { ...asked, request: `${id}-${Math.random()}`, by: 'ann', at: new Date().toISOString() };
      await client.kvPut(KEY.certificateRequest(id), JSON.stringify(about));
      return until(`an answer to ${asked.kind} of ${id}`, async () => {
        const now = await state(id);
        return now?.answer?.request === about.request ? now : undefined;
      });
    },
    lead: (options) => startLoop(t, { catalog, port }, options),
    edge: (name) => startEdge(t, client, name),
  };
}

function startLoop(
  t: TestContext,
  { catalog, port }: { readonly catalog: TestCatalog; readonly port: number },
  options: Partial<CertificatesOptions> = {},
): Loop {
  const client = new CatalogClient(catalog.connection);
  const end = new AbortController();
  const lines: string[] = [];
  const running = watchCertificates({
    cluster: { key: CLUSTER_KEY, host: hostRecord('edge1') },
    client,
    signal: end.signal,
    log: (line) => lines.push(line),
    chance: { now: Date.now, random: Math.random },
    connect: (account) => new AcmeClient({ ...account, userAgent: 'seawall/test', timeoutMs: 10_000 }),
    look: {
      addresses: async () => ['127.0.0.1'],
      answer: (name, token) => fetchAnswer({ name, token, port }),
    },
    limits: { ...DEFAULT_LIMITS, edgesMs: 5_000, propagationMs: 20_000, longestWaitMs: 200 },
    ...options,
  });
  const stop = async () => {
    end.abort();
    await running;
    client.close();
  };
  t.after(() => {
    end.abort();
    client.close();
    if (process.env.SEAWALL_TEST_LOG !== undefined) t.diagnostic(lines.join('\n'));
  });
  const kill = async () => {
    client.close();
    end.abort();
    const { value } = await catalog.client.kvGet(KEY.certificateLeader);
    if (value?.session !== undefined) await catalog.client.sessionDestroy(value.session);
  };
  return { lines, stop, kill };
}

const hostRecord = (name: string): HostRecord => ({
  ...{ name, number: 1, address: '172.16.0.10', privateAddress: '10.208.1.1', roles: ['edge'], labels: {} },
});

async function startEdge(t: TestContext, client: CatalogClient, name: string): Promise<StandInEdge> {
  await client.kvPut(KEY.host(name), JSON.stringify(hostRecord(name)));
  const alive = new HeldKey(client, { key: KEY.alive(name), ttlMs: 10_000, behavior: 'delete' });
  alive.put('{}');
  const held = new HeldKey(client, { key: KEY.tlsAck(name), ttlMs: 10_000, behavior: 'delete' });
  held.put(JSON.stringify(acknowledgement([])));
  await until(`${name} is alive`, async () => alive.held && held.held);
  const end = new AbortController();
  const following = watchKeys(
    client,
    KEY.challengeAnswers,
    (entries) => {
      const tokens = entries.map(({ key }) => key.slice(KEY.challengeAnswers.length));
      held.put(JSON.stringify(acknowledgement(tokens)));
    },
    { signal: end.signal },
  );
  const die = async () => {
    end.abort();
    await Promise.all([following, alive.close(), held.close()]);
  };
  t.after(async () => {
    end.abort();
    // The catalog is gone by now.
    await Promise.all([following, alive.close({ leave: true }), held.close({ leave: true })]);
  });
  return { freeze: () => end.abort(), die };
}

const acknowledgement = (answers: readonly string[]): TlsAcknowledgement => ({
  certificates: {},
  problems: {},
  answers: answers.toSorted(),
});

const PATH = '/.well-known/acme-challenge/';

/** Answers as every edge would, straight from the catalog. */
async function serveAnswers(t: TestContext, client: CatalogClient, port: number): Promise<void> {
  const server = createServer((call, response) => {
    const token = call.url?.startsWith(PATH) === true ? call.url.slice(PATH.length) : '';
    void client
      .kvGet(KEY.challengeAnswer(token))
      .then(({ value }) => response.writeHead(value === undefined ? 404 : 200).end(value?.value))
      .catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
}

function fetchAnswer(at: {
  readonly name: string;
  readonly token: string;
  readonly port: number;
}): Promise<{ readonly text: string } | { readonly error: string }> {
  return new Promise((resolve) => {
    const call = request(
      { host: '127.0.0.1', port: at.port, path: `${PATH}${at.token}`, headers: { host: at.name } },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () =>
          resolve(response.statusCode === 200 ? { text } : { error: `${response.statusCode}` }),
        );
      },
    );
    call.on('error', (error) => resolve({ error: error.message }));
    call.end();
  });
}
