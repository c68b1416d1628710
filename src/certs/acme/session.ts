import { type AcmeError, type Asked, outage, refusal } from './error.ts';
import { type AccountKey, signRequest } from './jws.ts';
import type { AcmeDirectory } from './nouns.ts';
import { plainText } from './problem-words.ts';
import { retryAfterMs } from './retry-after-text.ts';
import type { AcmeCall, AcmeTransport, HttpAnswer } from './transport.ts';
import { mismatch, toDirectory, toProblem } from './wire.ts';

export interface SignedRequest extends AcmeCall {
  readonly url: string;
  /** Undefined: a read (POST-as-GET). */
  readonly payload?: unknown;
  readonly what: string;
  readonly accept?: string;
  /** Default: the account's id, as soon as it is known. */
  readonly signer?: 'key' | 'account';
}

/** Of nonces that were refused one after the other. A server that refuses half of the good ones ends one request in a million. */
const MOST_NONCES = 20;
const MOST_KEPT = 16;
const BAD_NONCE = 'urn:ietf:params:acme:error:badNonce';

/** Signed requests to one server on behalf of one account: nonces, the directory, and refusals as errors. */
export class AcmeSession {
  readonly #transport: AcmeTransport;
  readonly #directoryUrl: string;
  readonly #nonces: string[] = [];
  #directory: AcmeDirectory | undefined;
  key: AccountKey;
  /** URL of the account. */
  kid: string | undefined;

  constructor(transport: AcmeTransport, directoryUrl: string, key: AccountKey, kid: string | undefined) {
    this.#transport = transport;
    this.#directoryUrl = directoryUrl;
    this.key = key;
    this.kid = kid;
  }

  /** Read once. */
  async directory({ signal }: AcmeCall): Promise<AcmeDirectory> {
    if (this.#directory !== undefined) return this.#directory;
    const what = 'the directory';
    const answer = await this.get(this.#directoryUrl, what, { ...(signal && { signal }) });
    this.#directory = this.read(answer, what, toDirectory);
    return this.#directory;
  }

  /** An unsigned read. */
  async get(url: string, what: string, call: AcmeCall): Promise<HttpAnswer> {
    const answer = await this.#transport.send({ ...call, method: 'GET', url, what, isRepeatable: true });
    this.#refuseFailure(answer, what);
    return answer;
  }

  /** @throws AcmeError when the server refuses or is away. */
  async post(request: SignedRequest): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#send(request);
      const isRefused = answer.status === 400 && problemOf(answer)?.type === BAD_NONCE;
      if (!isRefused || attempt === MOST_NONCES) {
        this.#refuseFailure(answer, request.what);
        return answer;
      }
      // Only the nonce of the answer itself is new for certain (RFC 8555 section 6.5).
      this.#nonces.length = 0;
      this.#keepNonce(answer);
    }
  }

  /** Turns an answer's JSON into a noun. @throws AcmeError `unreachable` when it is none. */
  read<T>(answer: HttpAnswer, what: string, parse: (json: unknown) => T): T {
    const type = answer.headers['content-type'] ?? 'no content type';
    const asked = this.#asked(what);
    if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
      throw outage(asked, `answered ${plainText(type).slice(0, 80)} where JSON was to be`);
    }
    try {
      return parse(JSON.parse(answer.text));
    } catch (error) {
      // The server's own text may be in it.
      const cause = new Error(plainText(mismatch(error)));
      throw outage(asked, 'answered what is no ACME (RFC 8555)', { cause });
    }
  }

  outage(what: string, text: string): AcmeError {
    return outage(this.#asked(what), text);
  }

  async #send(request: SignedRequest): Promise<HttpAnswer> {
    const { url, payload, what, signal, accept } = request;
    const nonce = await this.#nonce(request);
    const signer =
      request.signer !== 'key' && this.kid !== undefined ? { kid: this.kid } : { jwk: this.key.jwk };
    const body = JSON.stringify(await signRequest(this.key, signer, url, nonce, payload));
    const answer = await this.#transport.send({
      method: 'POST',
      url,
      body,
      what,
      isRepeatable: payload === undefined,
      ...(signal && { signal }),
      ...(accept && { accept }),
    });
    if (problemOf(answer)?.type !== BAD_NONCE) this.#keepNonce(answer);
    return answer;
  }

  async #nonce(call: AcmeCall): Promise<string> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const { newNonce } = await this.directory(call);
    const what = 'a nonce';
    const { signal } = call;
    const answer = await this.#transport.send({
      method: 'HEAD',
      url: newNonce,
      what,
      isRepeatable: true,
      ...(signal && { signal }),
    });
    this.#refuseFailure(answer, what);
    this.#keepNonce(answer);
    const fresh = this.#nonces.pop();
    if (fresh === undefined) throw outage(this.#asked(what), 'gave no nonce');
    return fresh;
  }

  #keepNonce({ headers }: HttpAnswer): void {
    const nonce = headers['replay-nonce'];
    // RFC 8555 section 6.5.1: base64url, else it must be ignored.
    if (typeof nonce !== 'string' || !/^[A-Za-z0-9_-]+$/.test(nonce)) return;
    if (this.#nonces.length < MOST_KEPT) this.#nonces.push(nonce);
  }

  #refuseFailure(answer: HttpAnswer, what: string): void {
    const { status, headers } = answer;
    if (status >= 200 && status < 300) return;
    const problem = { ...problemOf(answer), status };
    throw refusal(this.#asked(what), problem, retryAfterMs(headers['retry-after'], new Date()));
  }

  #asked(what: string): Asked {
    return { directory: this.#directoryUrl, what };
  }
}

function problemOf({ status, text }: HttpAnswer) {
  if (status < 400) return undefined;
  try {
    return toProblem(JSON.parse(text));
  } catch {
    return undefined;
  }
}
