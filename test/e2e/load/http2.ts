import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { type Answer, judge, pathOf, reasonOf, type Sent, serverName, type Target } from './request.ts';

/** Connections of HTTP/2 that are kept for an edge, used in turn. */
const sessionsKept = 4;

/** The server did not touch the request: it is sent again, as browsers do (RFC 9113 section 8.7). */
class Refused extends Error {}

/** Requests as streams of a few kept connections, as browsers send them. */
export class Http2Sessions {
  readonly #sessions = new Map<string, ClientHttp2Session>();
  #turn = 0;
  sessions = 0;
  sentAgain = 0;

  /** Sends one request and checks the answer. Never rejects. */
  async send(hostname: string, target: Target, sent: Sent, waitMs: number): Promise<Answer> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const session = this.#session(hostname, target);
      try {
        const { status, text } = await stream(session, target, sent, deadline - performance.now());
        return { ...judge(target, sent, status, text), reused: false };
      } catch (error) {
        if (error instanceof Refused && performance.now() < deadline) {
          this.sentAgain += 1;
          continue;
        }
        return { versions: [], reused: false, wrong: wrongOf(error as Error) };
      }
    }
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  #session(hostname: string, target: Target): ClientHttp2Session {
    this.#turn = (this.#turn + 1) % sessionsKept;
    const key = `${hostname} ${this.#turn}`;
    const kept = this.#sessions.get(key);
    if (kept !== undefined && !kept.closed && !kept.destroyed) return kept;
    const name = serverName(target);
    const session = connect(`https://${hostname}:${target.port}`, {
      ...(target.trust === undefined ? {} : { ca: target.trust }),
      servername: name,
    });
    this.sessions += 1;
    const forget = (): void => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    };
    session.on('goaway', forget).on('close', forget);
    // Each stream tells of it by an error of its own.
    session.on('error', forget);
    this.#sessions.set(key, session);
    return session;
  }
}

/** A connection that failed tells each of its streams so; why is in the cause. */
function wrongOf(error: Error): NonNullable<Answer['wrong']> {
  const cause = (error.cause ?? error) as NodeJS.ErrnoException;
  const { message } = cause;
  return { reason: message === 'timeout' ? 'timeout' : reasonOf(cause), detail: message };
}

function stream(
  session: ClientHttp2Session,
  target: Target,
  sent: Sent,
  waitMs: number,
): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const refusedBefore = session.closed || session.destroyed;
    if (refusedBefore) return fail(new Refused('the connection was closing'));
    const call = session.request({
      ':method': 'GET',
      ':path': pathOf(sent),
      ':authority': target.hostHeader,
    });
    let status = 0;
    let text = '';
    const timer = setTimeout(() => {
      fail(new Error('timeout'));
      call.close(constants.NGHTTP2_CANCEL);
    }, waitMs);
    call.setEncoding('utf8');
    call.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    call.on('data', (chunk: string) => {
      text += chunk;
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      const isUntouched =
        call.rstCode === constants.NGHTTP2_REFUSED_STREAM || error.code === 'ERR_HTTP2_GOAWAY_SESSION';
      fail(isUntouched && status === 0 ? new Refused(error.message) : error);
    });
    call.on('close', () => {
      clearTimeout(timer);
      // An answer that ended early leaves no status, or a body that is no JSON: judged as such.
      if (call.rstCode === constants.NGHTTP2_NO_ERROR) done({ status, text });
      else if (call.rstCode === constants.NGHTTP2_REFUSED_STREAM) fail(new Refused('refused'));
      else fail(Object.assign(new Error(`stream closed with ${call.rstCode}`), { code: 'ECONNRESET' }));
    });
    call.end();
  });
}
