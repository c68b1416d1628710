import { request } from 'node:http';
import { connect, isIPv6 } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What one look at an address found. */
export interface ProbeResult {
  readonly ok: boolean;
  /** What was asked: `GET http://10.208.0.2:8000/healthz` or `TCP 10.208.0.2:5432`. */
  readonly what: string;
  readonly status?: number;
  /** First 120 bytes of the answer's body; what cannot be printed stands as `·`. */
  readonly body?: string;
  /** Why there was no answer. */
  readonly error?: string;
  /** Nothing at all came back, not even a refusal: the machine, or the way to it, may be gone. */
  readonly isSilent?: true;
}

export interface HttpProbe {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  /** Host header; default: address and port. */
  readonly host?: string;
  /** Milliseconds from the start to the answer's head. */
  readonly timeoutMs: number;
  readonly localAddress?: string;
  readonly signal?: AbortSignal;
}

export interface TcpProbe {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly localAddress?: string;
  readonly signal?: AbortSignal;
}

export interface TlsProbe extends TcpProbe {
  /** Name asked for and verified. */
  readonly serverName: string;
  /** PEM of the CAs that are trusted. */
  readonly trust: string;
}

const BODY_BYTES = 120;
/** An answer whose body trickles (SSE) counts by its head; the body is waited for no longer than this. */
const BODY_WAIT_MS = 250;

/**
 * GETs a path once, on a connection of its own. Well is any status below 500: an app that redirects, asks
 * for a login or does not know the path is able to serve. Redirects are not followed. Never throws.
 */
export function probeHttp(probe: HttpProbe): Promise<ProbeResult> {
  const what = `GET http://${authority(probe.address, probe.port)}${printable(Buffer.from(probe.path))}`;
  return settle(what, probe, (finish) => {
    const headers = {
      'user-agent': 'seawall-probe',
      ...(probe.host === undefined ? {} : { host: probe.host }),
    };
    const { address, port, path, localAddress } = probe;
    const local = localAddress === undefined ? {} : { localAddress };
    const call = request({ host: address, port, path, headers, agent: false, ...local });
    call.on('error', (error) => finish(failed(what, error)));
    call.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const chunks: Buffer[] = [];
      let size = 0;
      const done = () => {
        clearTimeout(timer);
        finish({
          ok: status < 500,
          what,
          status,
          body: printable(Buffer.concat(chunks).subarray(0, BODY_BYTES)),
        });
      };
      const timer = setTimeout(done, BODY_WAIT_MS);
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= BODY_BYTES) done();
      });
      response.on('end', done);
      response.on('error', done);
    });
    call.end();
    return () => call.destroy();
  });
}

/** Opens one TCP connection and closes it. Never throws. */
export function probeTcp(probe: TcpProbe): Promise<ProbeResult> {
  const what = `TCP ${authority(probe.address, probe.port)}`;
  return settle(what, probe, (finish) => {
    const { address, port, localAddress } = probe;
    const socket = connect({ host: address, port, ...(localAddress === undefined ? {} : { localAddress }) });
    socket.on('error', (error) => finish(failed(what, error)));
    socket.on('connect', () => finish({ ok: true, what }));
    return () => socket.destroy();
  });
}

/** Makes one TLS connection, verified as nginx will, and closes it. Never throws. */
export function probeTls(probe: TlsProbe): Promise<ProbeResult> {
  const what = `TLS ${authority(probe.address, probe.port)} as ${probe.serverName}`;
  return settle(what, probe, (finish) => {
    const { address, port, localAddress, serverName, trust } = probe;
    const local = localAddress === undefined ? {} : { localAddress };
    const options = {
      host: address,
      port,
      servername: serverName,
      ca: trust,
      minVersion: 'TLSv1.2',
      ...local,
    } as const;
    const socket = connectTls(options);
    socket.on('error', (error) => finish(failed(what, error)));
    socket.on('secureConnect', () => finish({ ok: true, what }));
    return () => socket.destroy();
  });
}

/** One line: `GET http://10.208.0.2:8000/ answered 500: "Internal Server Error"`. */
export function describeProbe(result: ProbeResult): string {
  if (result.error !== undefined) return `${result.what}: ${result.error}`;
  if (result.status === undefined) return `${result.what}: ${result.ok ? 'accepted' : 'not accepted'}`;
  const body = result.body ? `: "${result.body}"` : '';
  return `${result.what} answered ${result.status}${body}`;
}

/** Runs a probe to its first outcome: its own, its time limit's or the caller's abort; then lets go of the socket. */
function settle(
  what: string,
  limit: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  start: (finish: (result: ProbeResult) => void) => () => void,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    const onAbort = () => finish({ ok: false, what, error: 'aborted' });
    const timer = setTimeout(
      () => finish({ ok: false, what, error: `no answer within ${limit.timeoutMs} ms`, isSilent: true }),
      limit.timeoutMs,
    );
    const finish = (result: ProbeResult) => {
      clearTimeout(timer);
      limit.signal?.removeEventListener('abort', onAbort);
      resolve(result);
      stop?.();
    };
    if (limit.signal?.aborted) return onAbort();
    limit.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      stop = start(finish);
    } catch (error) {
      finish({ ok: false, what, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the address',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
};

/** What a router or the own kernel says of a machine that does not answer. */
const SILENT = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']);

const failed = (what: string, error: NodeJS.ErrnoException): ProbeResult => ({
  ok: false,
  what,
  error: socketError(error),
  ...(SILENT.has(error.code ?? '') ? { isSilent: true as const } : {}),
});

function socketError(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ''] ?? error.message;
}

const authority = (address: string, port: number): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;

/** Text with every byte run that is not printable replaced, so that an answer cannot forge a log line. */
function printable(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replaceAll(/[\r\n\t ]+/g, ' ')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\uFFFD]+/gu, '·')
    .trim();
}
