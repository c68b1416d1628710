import { createHash, randomBytes } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Socket } from 'node:net';
import type { Http2Sessions } from './http2.ts';
import type { Kind } from './report.ts';

/** A user's patience: an answer after it counts as failed. */
export const patienceMs = 10_000;
const slowMs = 3000;
const largestBodyBytes = 64 * 1024;

export interface Target {
  /** Edges, as a name with several addresses gives them: each request begins with any, and goes to the next if one refuses. */
  readonly hostnames: readonly string[];
  readonly port: number;
  readonly hostHeader: string;
  /** HTTPS to the host of `hostHeader`, whose certificate must be of these CAs (PEM); absent: plain HTTP. */
  readonly trust?: string;
  /** Name that the app behind the route calls itself, if only it may answer. */
  readonly service?: string;
  /** Empty: any version will do. */
  readonly versions: ReadonlySet<string>;
  readonly apiVersions: ReadonlySet<string>;
}

/** How a request went, without its times. */
export interface Answer {
  readonly versions: readonly string[];
  readonly instance?: string;
  readonly reused: boolean;
  readonly wrong?: { readonly reason: string; readonly detail: string };
}

/** How a request is sent: on an agent's connection, on one of its own (`false`), or as a stream of HTTP/2. */
export type Connection = Agent | false | Http2Sessions;

export interface Sent {
  readonly id: string;
  readonly kind: Kind;
  readonly body: Buffer | undefined;
}

/** Sends one request and checks the answer down to its body. Never rejects. */
export async function send(
  target: Target,
  kind: Kind,
  connection: Connection,
  waitMs: number,
  onSocket: (socket: Socket) => void,
): Promise<Answer> {
  const id = randomBytes(8).toString('hex');
  const body =
    kind === 'post' ? randomBytes(1 + Math.floor(Math.random() ** 3 * largestBodyBytes)) : undefined;
  const sent: Sent = { id, kind, body };
  const start = performance.now();
  const first = Math.floor(Math.random() * target.hostnames.length);
  let answer: Answer | undefined;
  for (let turn = 0; turn < target.hostnames.length; turn++) {
    const hostname = target.hostnames[(first + turn) % target.hostnames.length] ?? '';
    const leftMs = waitMs - (performance.now() - start);
    answer =
      connection === false || connection instanceof Agent
        ? await sendTo(hostname, target, sent, connection, leftMs, onSocket)
        : await connection.send(hostname, target, sent, leftMs);
    if (answer.wrong?.reason !== 'refused') return answer;
  }
  return answer ?? { versions: [], reused: false, wrong: { reason: 'error', detail: 'no edge to ask' } };
}

function sendTo(
  hostname: string,
  target: Target,
  sent: Sent,
  agent: Agent | false,
  waitMs: number,
  onSocket: (socket: Socket) => void,
): Promise<Answer> {
  const { body } = sent;
  return new Promise((resolve) => {
    let call: ClientRequest;
    const end = (answer: Omit<Answer, 'reused'>) => {
      clearTimeout(timer);
      resolve({ ...answer, reused: call?.reusedSocket ?? false });
    };
    const fail = (reason: string, detail: string) => end({ versions: [], wrong: { reason, detail } });
    const timer = setTimeout(() => {
      fail('timeout', `no complete answer within ${patienceMs / 1000} s of its due time`);
      call.destroy();
    }, waitMs);
    call = (target.trust === undefined ? request : requestTls)({
      host: hostname,
      port: target.port,
      path: pathOf(sent),
      method: body === undefined ? 'GET' : 'POST',
      agent,
      ...(target.trust === undefined
        ? {}
        : { ca: target.trust, servername: serverName(target), rejectUnauthorized: true }),
      headers: {
        host: target.hostHeader,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/octet-stream', 'content-length': body.length }),
      },
    });
    call.on('socket', onSocket);
    call.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error), error.message));
    call.on('response', (response) => {
      collect(response).then(
        (text) => end(judge(target, sent, response.statusCode ?? 0, text)),
        (error: NodeJS.ErrnoException) => fail(`cut: ${reasonOf(error)}`, error.message),
      );
    });
    call.end(body);
  });
}

/** The name that the certificate must have. */
export const serverName = ({ hostHeader }: Pick<Target, 'hostHeader'>): string =>
  hostHeader.replace(/:\d+$/, '');

export function pathOf({ id, kind }: Sent): string {
  switch (kind) {
    case 'slow':
      return `/slow?ms=${slowMs}&id=${id}`;
    case 'post':
      return `/echo?id=${id}`;
    case 'api':
      return `/api?id=${id}`;
    default:
      return `/?id=${id}`;
  }
}

async function collect(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  if (!response.complete) throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
  return Buffer.concat(chunks).toString();
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'timeout',
};

export const reasonOf = (error: NodeJS.ErrnoException): string =>
  REASONS[error.code ?? ''] ?? error.code ?? 'error';

/** What the app of test/e2e/apps/shop answers. */
interface Body {
  readonly version?: unknown;
  readonly instance?: unknown;
  readonly id?: unknown;
  readonly service?: unknown;
  readonly sha256?: unknown;
  readonly api?: { readonly version?: unknown };
}

/** What is wrong with an answer, if anything, and who gave it. */
export function judge(target: Target, sent: Sent, status: number, text: string): Omit<Answer, 'reused'> {
  const shown = text.slice(0, 120).replaceAll(/[^\x20-\x7e]+/g, ' ');
  if (status !== 200) return { versions: [], wrong: { reason: `status ${status}`, detail: shown } };
  let body: Body;
  try {
    body = JSON.parse(text) as Body;
  } catch {
    return { versions: [], wrong: { reason: 'body', detail: `no JSON: ${shown}` } };
  }
  const { version, instance, id, service, sha256, api } = body;
  if (typeof version !== 'string' || typeof instance !== 'string' || id !== sent.id) {
    return { versions: [], wrong: { reason: 'body', detail: shown } };
  }
  if (target.service !== undefined && service !== target.service) {
    return { versions: [], wrong: { reason: 'wrong service', detail: `${String(service)} answered` } };
  }
  const wrong = wrongOf(target, sent, { version, sha256, apiVersion: api?.version });
  const versions = sent.kind === 'api' ? [version, `api ${String(api?.version)}`] : [version];
  return { versions, instance, ...(wrong === undefined ? {} : { wrong }) };
}

function wrongOf(
  target: Target,
  { kind, body }: Sent,
  said: { readonly version: string; readonly sha256: unknown; readonly apiVersion: unknown },
): Answer['wrong'] {
  if (target.versions.size > 0 && !target.versions.has(said.version)) {
    return { reason: 'version', detail: `${said.version} is not among ${[...target.versions].join(', ')}` };
  }
  if (body !== undefined && said.sha256 !== createHash('sha256').update(body).digest('hex')) {
    return { reason: 'echo', detail: `${body.length} bytes were sent, others came back` };
  }
  if (kind !== 'api') return undefined;
  if (typeof said.apiVersion !== 'string') return { reason: 'body', detail: 'nothing from api' };
  const isKnown = target.apiVersions.size === 0 || target.apiVersions.has(said.apiVersion);
  return isKnown ? undefined : { reason: 'version', detail: `api ${said.apiVersion}` };
}
