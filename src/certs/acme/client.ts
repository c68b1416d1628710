import { isIP } from 'node:net';
import { certificateChain, leafDer } from './chain.ts';
import { failedValidation, outcome } from './challenge-words.ts';
import { isAlreadyRevoked, refusal } from './error.ts';
import { accountKey, signBinding, signRollover } from './jws.ts';
import type {
  AccountWish,
  AcmeAuthorization,
  AcmeClientOptions,
  AcmeDirectory,
  AcmeOrder,
  CertificateChain,
  OrderStatus,
  OrderWish,
  RenewalInfo,
} from './nouns.ts';
import { type AcmeWait, type Look, pollUntil } from './poll.ts';
import { renewalId } from './renewal-id.ts';
import { askAgainMs, retryAfterMs } from './retry-after-text.ts';
import { AcmeSession } from './session.ts';
import { type AcmeCall, AcmeTransport, type HttpAnswer } from './transport.ts';
import { toAuthorization, toOrder, toWindow } from './wire.ts';

const TIMEOUT_MS = 30_000;
const PEM_CHAIN = 'application/pem-certificate-chain';

/**
 * An ACME client (RFC 8555, RFC 8738, RFC 9773) for one account. Every call throws AcmeError when the server refuses or is away; none waits
 * because of a Retry-After, but for the two that poll.
 */
export class AcmeClient {
  readonly #directory: string;
  readonly #transport: AcmeTransport;
  readonly #session: AcmeSession;

  /** @throws SeawallError `refused` when the account key is no P-256 key. */
  constructor(options: AcmeClientOptions) {
    const { directory, trust, userAgent, timeoutMs = TIMEOUT_MS, kid } = options;
    this.#directory = directory;
    this.#transport = new AcmeTransport({
      directory,
      userAgent,
      timeoutMs,
      ...(trust === undefined ? {} : { trust }),
    });
    this.#session = new AcmeSession(this.#transport, directory, accountKey(options.accountKey), kid);
  }

  /** Closes kept connections. */
  close(): void {
    this.#transport.close();
  }

  directory(call: AcmeCall = {}): Promise<AcmeDirectory> {
    return this.#session.directory(call);
  }

  /** Makes the account or finds it by its key; agrees to the terms of service (RFC 8555 section 7.3). */
  async account(wish: AccountWish, call: AcmeCall = {}): Promise<{ readonly kid: string }> {
    const { newAccount } = await this.directory(call);
    const { email, binding, existingOnly = false } = wish;
    const { jwk } = this.#session.key;
    const what = 'an account';
    const payload = existingOnly
      ? { onlyReturnExisting: true }
      : {
          termsOfServiceAgreed: true,
          ...(email === undefined ? {} : { contact: [`mailto:${email}`] }),
          ...(binding && { externalAccountBinding: await signBinding(binding, newAccount, jwk) }),
        };
    const answer = await this.#session.post({ ...call, url: newAccount, payload, what, signer: 'key' });
    const kid = this.#location(answer, what);
    this.#session.kid = kid;
    return { kid };
  }

  async newOrder(wish: OrderWish, call: AcmeCall = {}): Promise<AcmeOrder> {
    const { newOrder, profiles, renewalInfo } = await this.directory(call);
    const { names, profile, replaces } = wish;
    const what = `a new order for ${names.join(', ')}`;
    const payload = {
      // RFC 8738: addresses have a type of their own.
      identifiers: names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ...(profile !== undefined && Object.hasOwn(profiles, profile) ? { profile } : {}),
      ...(replaces !== undefined && renewalInfo !== undefined ? { replaces: await renewalId(replaces) } : {}),
    };
    const answer = await this.#session.post({ ...call, url: newOrder, payload, what });
    const url = this.#location(answer, what);
    return this.#session.read(answer, what, (json) => toOrder(url, json));
  }

  async order(url: string, call: AcmeCall = {}): Promise<AcmeOrder> {
    return (await this.#lookAtOrder(url, call)).found;
  }

  async authorization(url: string, call: AcmeCall = {}): Promise<AcmeAuthorization> {
    return (await this.#lookAtAuthorization(url, call)).found;
  }

  /** Says that a challenge is answered (RFC 8555 section 7.5.1). */
  async acceptChallenge(url: string, call: AcmeCall = {}): Promise<void> {
    await this.#session.post({ ...call, url, payload: {}, what: 'a challenge' });
  }

  /** @throws AcmeError with the challenge's own type and text when the server could not validate it. */
  async waitForAuthorization(url: string, wait: AcmeWait): Promise<AcmeAuthorization> {
    const what = 'the validation';
    const found = await pollUntil(
      { directory: this.#directory, what },
      wait,
      () => this.#lookAtAuthorization(url, wait),
      ({ status }) => status !== 'pending',
    );
    if (found.status === 'valid') return found;
    const { what: failed, problem } = failedValidation(found);
    throw refusal({ directory: this.#directory, what: failed }, problem);
  }

  /** @throws AcmeError with the order's own type and text when it became `invalid` and that was not wanted. */
  async waitForOrder(url: string, wanted: readonly OrderStatus[], wait: AcmeWait): Promise<AcmeOrder> {
    const found = await pollUntil(
      { directory: this.#directory, what: 'the order' },
      wait,
      () => this.#lookAtOrder(url, wait),
      ({ status }) => wanted.includes(status) || status === 'invalid',
    );
    if (wanted.includes(found.status)) return found;
    const asked = { directory: this.#directory, what: `the order for ${found.names.join(', ')}` };
    throw refusal(asked, outcome(found.error, 'the order became invalid, or it expired'));
  }

  /** Gives the request for the certificate (RFC 8555 section 7.4); the order is then `processing` or `valid`. */
  async finalize(
    order: Pick<AcmeOrder, 'url' | 'finalize' | 'names'>,
    csr: Uint8Array,
    call: AcmeCall = {},
  ): Promise<AcmeOrder> {
    const what = `the certificate for ${order.names.join(', ')}`;
    const payload = { csr: Buffer.from(csr).toString('base64url') };
    const answer = await this.#session.post({ ...call, url: order.finalize, payload, what });
    return this.#session.read(answer, what, (json) => toOrder(order.url, json));
  }

  /** @param url of an order's `certificate`, or one of the alternates. */
  async certificate(url: string, call: AcmeCall = {}): Promise<CertificateChain> {
    const what = 'the certificate';
    const answer = await this.#session.post({ ...call, url, what, accept: PEM_CHAIN });
    const chain = certificateChain(answer);
    if (chain === undefined) throw this.#session.outage(what, 'answered what is no chain of certificates');
    return chain;
  }

  /**
   * Revokes with the account's key (RFC 8555 section 7.6); one that is revoked already is left as it is.
   * @param reason of RFC 5280 section 5.3.1: 0, 1, 3, 4 or 5.
   */
  async revoke(certificatePem: string, reason: number, call: AcmeCall = {}): Promise<void> {
    const { revokeCert } = await this.directory(call);
    const payload = { certificate: leafDer(certificatePem).toString('base64url'), reason };
    try {
      await this.#session.post({ ...call, url: revokeCert, payload, what: 'a revocation' });
    } catch (error) {
      if (!isAlreadyRevoked(error)) throw error;
    }
  }

  /**
   * Puts a new key in the place of the account's (RFC 8555 section 7.3.5) and goes on with it. Keep both until it returned: after a failure
   * `account({ existingOnly: true })` with each says which one counts.
   */
  async rollKey(newKeyPem: string, call: AcmeCall = {}): Promise<void> {
    const { keyChange } = await this.directory(call);
    const { kid } = await this.#known(call);
    const newKey = accountKey(newKeyPem);
    const payload = await signRollover(newKey, keyChange, kid, this.#session.key.jwk);
    await this.#session.post({ ...call, url: keyChange, payload, what: 'a new key for the account' });
    this.#session.key = newKey;
  }

  /** When to renew, by RFC 9773; undefined where the directory has none. */
  async renewalInfo(certificatePem: string, call: AcmeCall = {}): Promise<RenewalInfo | undefined> {
    const { renewalInfo } = await this.directory(call);
    if (renewalInfo === undefined) return undefined;
    const what = 'the time to renew';
    const url = `${renewalInfo.replace(/\/$/, '')}/${await renewalId(certificatePem)}`;
    const answer = await this.#session.get(url, what, call);
    const window = this.#session.read(answer, what, toWindow);
    if (window === undefined)
      throw this.#session.outage(what, 'answered a window that ends before it begins');
    return { ...window, askAgainMs: askAgainMs(waitOf(answer)) };
  }

  async #known(call: AcmeCall): Promise<{ readonly kid: string }> {
    const { kid } = this.#session;
    return kid === undefined ? this.account({ existingOnly: true }, call) : { kid };
  }

  async #lookAtOrder(url: string, { signal }: AcmeCall): Promise<Look<AcmeOrder>> {
    const what = 'the order';
    const answer = await this.#session.post({ ...(signal && { signal }), url, what });
    return {
      found: this.#session.read(answer, what, (json) => toOrder(url, json)),
      retryAfterMs: waitOf(answer),
    };
  }

  async #lookAtAuthorization(url: string, { signal }: AcmeCall): Promise<Look<AcmeAuthorization>> {
    const what = 'an authorization';
    const answer = await this.#session.post({ ...(signal && { signal }), url, what });
    return {
      found: this.#session.read(answer, what, (json) => toAuthorization(url, json)),
      retryAfterMs: waitOf(answer),
    };
  }

  #location({ headers, url }: HttpAnswer, what: string): string {
    const { location } = headers;
    if (location === undefined || !URL.canParse(location, url)) {
      throw this.#session.outage(what, 'did not say where it is');
    }
    return new URL(location, url).href;
  }
}

const waitOf = ({ headers }: HttpAnswer): number | undefined =>
  retryAfterMs(headers['retry-after'], new Date());
