import type { CertificateWish, IssuerRecord, KeyType, OrderState } from '../catalog/tls-record.ts';
import { SEAL } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import { seal, unseal } from '../secrets/index.ts';
import type { SignedIn } from './account.ts';
import type { AcmeAuthorization, AcmeOrder } from './acme/index.ts';
import type { Book } from './book.ts';
import { failureKind } from './failure.ts';
import type { Call, Chance } from './ports.ts';
import { isoTime } from './ports.ts';
import type { Proof, Solver } from './solver.ts';
import type { OnStep, OrderStep } from './steps.ts';
import { sameNames } from './wishes.ts';

export interface OrderTools {
  readonly makeKey: (type: KeyType) => string | Promise<string>;
  readonly makeCsr: (names: readonly string[], keyPem: string) => Uint8Array | Promise<Uint8Array>;
  readonly keyAuthorization: (token: string, accountKey: string) => string | Promise<string>;
}

export interface OrderOptions {
  readonly book: Book;
  readonly clusterKey: string;
  readonly tools: OrderTools;
  readonly chance: Chance;
  readonly wish: CertificateWish;
  readonly issuer: IssuerRecord;
  /** The issuer's own, or its staging directory. */
  readonly directory: string;
  readonly isRehearsal: boolean;
  readonly keyType: KeyType;
  /** PEM of the certificate that this one takes the place of (RFC 9773 section 5). */
  readonly replaces?: string;
  readonly signIn: (call: Call) => Promise<SignedIn>;
  readonly solver: Solver;
  readonly onStep: OnStep;
  /** Milliseconds that the CA has for validations, and for issuing. */
  readonly patienceMs: number;
}

/** A certificate fresh from the CA, whose order still stands in the state. */
export interface Fresh {
  /** PEM */
  readonly chain: string;
  /** PEM */
  readonly key: string;
  /** Takes the challenge answers away; never rejects. */
  readonly cleanUp: () => Promise<void>;
}

/** Taking answers away goes on when the leader is told to end, this long. */
const CLEAN_UP_MS = 20_000;

/**
 * Takes an order from its beginning, or from where an earlier leader left it, to the certificate. The key and the order's
 * address are in the catalog before they are used. On failure the answers are taken away.
 */
export async function placeOrder(options: OrderOptions, call: Call): Promise<Fresh> {
  const kept = await keepKey(options, call);
  const key = unseal(options.clusterKey, kept.key, SEAL.key(options.wish.id)).toString();
  const { acme, accountKey } = await options.signIn(call);
  await step(options, 'signed in');
  const order = await findOrder(options, { acme, accountKey }, kept, call);
  const authorizations = await Promise.all(order.authorizations.map((url) => acme.authorization(url, call)));
  const proofs = await proofsOf(options, authorizations, accountKey);
  const cleanUp = () =>
    removeProofs(
      options,
      proofs.map(({ proof }) => proof),
    );
  try {
    await prove(options, { acme, accountKey }, { authorizations, proofs }, call);
    const done = await finalize(options, { acme, accountKey }, { order, key }, call);
    return { ...done, key, cleanUp };
  } catch (error) {
    // Told to end: whoever leads next goes on with this order, and needs its answers.
    if (call.signal?.aborted !== true) await cleanUp();
    throw error;
  }
}

const step = async (
  { onStep, wish, isRehearsal }: Pick<OrderOptions, 'onStep' | 'wish' | 'isRehearsal'>,
  name: OrderStep,
) => onStep(name, { id: wish.id, isRehearsal });

/** The order that stands in the state if it is the same one, else a new key. */
async function keepKey(options: OrderOptions, call: Call): Promise<OrderState> {
  const { book, wish, issuer, directory, isRehearsal, keyType, clusterKey, tools, chance } = options;
  const there = book.state(wish.id).order;
  const isSame =
    there !== undefined &&
    there.directory === directory &&
    there.isRehearsal === isRehearsal &&
    there.keyType === keyType;
  if (isSame) return there;
  const key = seal(clusterKey, await tools.makeKey(keyType), SEAL.key(wish.id));
  const startedAt = isoTime(chance.now());
  const order: OrderState = { issuer: issuer.name, directory, isRehearsal, keyType, key, startedAt };
  await book.note(wish.id, (state) => ({ ...state, order }), call);
  await step(options, 'key kept');
  return order;
}

async function findOrder(
  options: OrderOptions,
  signedIn: SignedIn,
  kept: OrderState,
  call: Call,
): Promise<AcmeOrder> {
  if (kept.url !== undefined) {
    const found = await resume(options, signedIn, kept.url, call);
    if (found !== undefined) return found;
  }
  const order = await newOrder(options, signedIn, call);
  await step(options, 'order made');
  await options.book.note(
    options.wish.id,
    (state) => ({ ...state, order: { ...kept, url: order.url } }),
    call,
  );
  await step(options, 'order kept');
  return order;
}

/** An order that an earlier leader left; undefined when it is of no use any more: expired, failed, or for other names. */
async function resume(
  { wish }: OrderOptions,
  { acme }: SignedIn,
  url: string,
  call: Call,
): Promise<AcmeOrder | undefined> {
  try {
    const order = await acme.order(url, call);
    if (order.status === 'invalid' || !sameNames(order.names, wish.names)) return undefined;
    if (order.status !== 'pending') return order;
    const found = await Promise.all(order.authorizations.map((one) => acme.authorization(one, call)));
    return found.every(({ status }) => status === 'pending' || status === 'valid') ? order : undefined;
  } catch (error) {
    // Another account's order, or one that the server has forgotten.
    if (['order', 'names', 'issuer'].includes(failureKind(error))) return undefined;
    throw error;
  }
}

async function newOrder(
  { wish, issuer, replaces, isRehearsal }: OrderOptions,
  { acme }: SignedIn,
  call: Call,
): Promise<AcmeOrder> {
  const { profile } = issuer;
  const about = { names: wish.names, ...(profile === undefined ? {} : { profile }) };
  if (replaces === undefined || isRehearsal) return acme.newOrder(about, call);
  try {
    return await acme.newOrder({ ...about, replaces }, call);
  } catch (error) {
    // Replaced already, or a certificate that this server does not know or stumbles over (Pebble 2.10 with a serial number
    // that DER begins with a zero): the order is good without.
    if (['replaced', 'names', 'order'].includes(failureKind(error)) || isInternal(error))
      return acme.newOrder(about, call);
    throw error;
  }
}

/** The server itself says that it failed; a balancer in front of one that is away says something else. */
const isInternal = (error: unknown): boolean =>
  error instanceof SeawallError && String((error as { type?: unknown }).type).endsWith(':serverInternal');

interface Challenge {
  readonly proof: Proof;
  readonly url: string;
  /** Of its authorization. */
  readonly at: string;
  readonly isPending: boolean;
}

/** Every challenge of the order's kind, those that are done as well: their answers may still lie about. */
async function proofsOf(
  { wish, solver, tools }: OrderOptions,
  authorizations: readonly AcmeAuthorization[],
  accountKey: string,
): Promise<Challenge[]> {
  const found = authorizations.map(async ({ identifier, status, challenges, url: at }) => {
    const challenge = challenges.find(({ type }) => type === solver.type);
    if (challenge === undefined) {
      if (status === 'valid') return [];
      throw new SeawallError('refused', `the CA offers no ${solver.type} challenge for ${identifier}`, {
        where: wish.id,
        hint: 'A wildcard can only be proven by DNS: set `challenge: dns` and `dns:` under `tls:`.',
      });
    }
    const { token, url } = challenge;
    const keyAuthorization = await tools.keyAuthorization(token, accountKey);
    const proof: Proof = { name: identifier, token, keyAuthorization };
    return [{ proof, url, at, isPending: status === 'pending' && challenge.status === 'pending' }];
  });
  return (await Promise.all(found)).flat();
}

async function prove(
  options: OrderOptions,
  { acme }: SignedIn,
  {
    authorizations,
    proofs,
  }: { readonly authorizations: readonly AcmeAuthorization[]; readonly proofs: readonly Challenge[] },
  call: Call,
): Promise<void> {
  const { solver, book, wish, patienceMs } = options;
  const pending = authorizations.filter(({ status }) => status === 'pending').map(({ url }) => url);
  const open = proofs.filter(({ at }) => pending.includes(at));
  if (open.length > 0) {
    const answers = open.map(({ proof }) => proof);
    await solver.present(answers, call);
    await step(options, 'answers put');
    const warnings = await solver.settle(answers, call);
    await book.note(wish.id, (state) => ({ ...state, warnings }), call);
    await step(options, 'answers in force');
  }
  for (const { url, isPending } of open) if (isPending) await acme.acceptChallenge(url, call);
  await step(options, 'challenges accepted');
  for (const url of pending) await acme.waitForAuthorization(url, { ...call, timeoutMs: patienceMs });
  await step(options, 'authorized');
}

async function finalize(
  options: OrderOptions,
  { acme }: SignedIn,
  { order, key }: { readonly order: AcmeOrder; readonly key: string },
  call: Call,
): Promise<{ readonly chain: string }> {
  const { tools, wish, patienceMs } = options;
  const patient = { ...call, timeoutMs: patienceMs };
  const ready = await acme.waitForOrder(order.url, ['ready', 'processing', 'valid'], patient);
  if (ready.status === 'ready') {
    await acme.finalize(ready, await tools.makeCsr(wish.names, key), call);
    await step(options, 'finalized');
  }
  const { certificate } = await acme.waitForOrder(order.url, ['valid'], patient);
  if (certificate === undefined)
    throw new SeawallError(
      'unreachable',
      `the CA issued the certificate for ${wish.id} without saying where it is`,
    );
  const { chain } = await acme.certificate(certificate, call);
  await step(options, 'downloaded');
  return { chain };
}

async function removeProofs({ solver, book, wish }: OrderOptions, proofs: readonly Proof[]): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  try {
    const warnings = await solver.remove(proofs, { signal });
    if (warnings.length > 0)
      await book.note(wish.id, (state) => ({ ...state, warnings: [...state.warnings, ...warnings] }), {
        signal,
      });
  } catch {
    // What remains is taken away by whoever leads next, or ends with the order.
  }
}
