import type { IssuerRecord, KeyType } from '../catalog/tls-record.ts';
import { describeError, SeawallError } from '../errors.ts';
import type { Accounts } from './accounts.ts';
import type { Book } from './book.ts';
import { canFallBack, failureKind, retryAfterMs } from './failure.ts';
import { readLeaf, sealedKey, validityOf } from './leaf.ts';
import { type Fresh, type OrderOptions, type OrderTools, placeOrder } from './order.ts';
import type { Call, Chance } from './ports.ts';
import { isPublicIssuer, servedRecord } from './record.ts';
import { DAY_MS } from './renewal.ts';
import type { Solver } from './solver.ts';
import {
  afterFailure,
  afterRehearsal,
  afterSilence,
  afterSuccess,
  rehearsalWaitEnd,
  withHold,
  withoutOrder,
  withoutRehearsal,
} from './state.ts';
import type { OnStep } from './steps.ts';
import type { OrderTask } from './task.ts';

export interface ObtainOptions {
  readonly book: Book;
  readonly clusterKey: string;
  readonly chance: Chance;
  readonly accounts: Accounts;
  readonly tools: OrderTools;
  readonly solverFor: (task: OrderTask) => Solver;
  readonly onStep: OnStep;
  readonly patienceMs: number;
  readonly log: (line: string) => void;
}

/** How an attempt went, for people. */
export interface Attempt {
  readonly ok: boolean;
  readonly text: string;
}

/** However long a CA wants to be left alone. */
const LONGEST_HOLD_MS = 7 * DAY_MS;

/**
 * One attempt: the rehearsal when the names are new, else the order. Issuers are asked in order while they are out, limit or
 * do not want to. The outcome stands in the state; @throws only what keeps it from being written.
 */
export async function obtain(options: ObtainOptions, task: OrderTask, call: Call): Promise<Attempt> {
  if (!task.rehearses) return orderFrom(options, task, call);
  const { attempt, silence } = await rehearse(options, task, call);
  if (attempt !== undefined) return attempt;
  const issuers = silence === undefined ? task.issuers : await unrehearsed(options, task, call);
  if (silence !== undefined && issuers.length === 0) return waitForRehearsal(options, task, silence, call);
  return orderFrom(options, { ...task, issuers }, call);
}

/** Issuers in order, while they are out, limit or do not want to. */
async function orderFrom(options: ObtainOptions, task: OrderTask, call: Call): Promise<Attempt> {
  let last: { readonly issuer: IssuerRecord; readonly error: unknown } | undefined;
  for (const issuer of task.issuers) {
    try {
      return await issue(options, { task, issuer }, call);
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      last = { issuer, error };
      await hold(options, { task, issuer, error }, call);
      if (!canFallBack(failureKind(error))) break;
      if (task.issuers.at(-1) !== issuer)
        options.log(`warn certs: ${task.wish.id}: ${describeError(error)}; the next issuer is asked`);
    }
  }
  return fail(options, { task, ...last }, call);
}

/** Who may be asked although nobody rehearsed: those without a staging directory, and after a time all. */
async function unrehearsed(
  { book, chance, log }: ObtainOptions,
  { wish: { id }, issuers }: OrderTask,
  call: Call,
): Promise<readonly IssuerRecord[]> {
  const now = chance.now();
  const state = await book.note(id, (present) => withoutRehearsal(present, now), call);
  if (now < rehearsalWaitEnd(state)) return issuers.filter(({ staging }) => staging === undefined);
  log(
    `warn certs: ${id}: no staging directory told since ${state.rehearsalAwaySince}: ordered without rehearsal`,
  );
  return issuers;
}

async function waitForRehearsal(
  { book, chance, log }: ObtainOptions,
  { wish: { id, names } }: OrderTask,
  { issuer, error }: Silent,
  call: Call,
): Promise<Attempt> {
  const text = `rehearsal: ${describeError(error)}`;
  const askedMs = retryAfterMs(error);
  const silence = {
    ...{ name: names[0] ?? id, issuer: issuer.name, text, now: chance.now(), random: chance.random },
    ...(askedMs === undefined ? {} : { askedMs }),
  };
  const state = await book.note(id, (present) => afterSilence(present, silence), call);
  log(`warn certs: ${id}: ${text}; tried again at ${state.nextTryAt}`);
  return { ok: false, text: `${text}. ${state.lastError?.hint}` };
}

/** Whose staging directory could not tell, and why. */
interface Silent {
  readonly issuer: IssuerRecord;
  readonly error: unknown;
}

/**
 * Proves the names on a staging directory; the certificate is thrown away. @returns how it went, or the last staging
 * directory that could not tell; neither when there is none.
 */
export async function rehearse(
  options: ObtainOptions,
  task: OrderTask,
  call: Call,
): Promise<{ readonly attempt?: Attempt; readonly silence?: Silent }> {
  const { book, chance, log } = options;
  const { id, names } = task.wish;
  let silence: Silent | undefined;
  for (const issuer of task.issuers) {
    const { staging } = issuer;
    if (staging === undefined) continue;
    try {
      const fresh = await order(options, { task, issuer, directory: staging, isRehearsal: true }, call);
      await fresh.cleanUp();
      await options.onStep('cleaned up', { id, isRehearsal: true });
      await book.note(id, (state) => afterRehearsal(state, { names, now: chance.now() }), call);
      await options.onStep('noted', { id, isRehearsal: true });
      log(`info certs: ${id}: rehearsed on ${hostOf(staging)}: the names are proven there`);
      return {
        attempt: { ok: true, text: `rehearsed on ${hostOf(staging)}: ${issuer.name} would issue it` },
      };
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      if (!canFallBack(failureKind(error)))
        return { attempt: await fail(options, { task, issuer, error, isRehearsal: true }, call) };
      silence = { issuer, error };
      log(`warn certs: ${id}: rehearsal: ${describeError(error)}`);
      await book.note(id, withoutOrder, call);
    }
  }
  return silence === undefined ? {} : { silence };
}

interface At {
  readonly task: OrderTask;
  readonly issuer: IssuerRecord;
}

async function order(
  options: ObtainOptions,
  at: At & { readonly directory: string; readonly isRehearsal: boolean; readonly replaces?: string },
  call: Call,
): Promise<Fresh> {
  const { accounts } = options;
  const { issuer, directory } = at;
  const attempt = () => placeOrder(orderOptions(options, at), call);
  try {
    return await attempt();
  } catch (error) {
    // A server that forgot the account gets it again, once.
    if (failureKind(error) !== 'account') throw error;
    await accounts.forget(issuer, directory, call);
    return attempt();
  }
}

function orderOptions(
  options: ObtainOptions,
  at: At & { readonly directory: string; readonly isRehearsal: boolean; readonly replaces?: string },
): OrderOptions {
  const { book, clusterKey, tools, chance, onStep, patienceMs, accounts, solverFor } = options;
  const { task, issuer, directory, isRehearsal, replaces } = at;
  return {
    ...{ book, clusterKey, tools, chance, onStep, patienceMs, issuer, directory, isRehearsal },
    wish: task.wish,
    keyType: task.keyType,
    signIn: () => accounts.at(issuer, directory),
    solver: solverFor(task),
    ...(replaces === undefined ? {} : { replaces }),
  };
}

async function issue(options: ObtainOptions, { task, issuer }: At, call: Call): Promise<Attempt> {
  const { book, clusterKey, chance, onStep, log } = options;
  const { wish, keyType } = task;
  const { id } = wish;
  const replaces = replacedChain(options, task, issuer);
  const at = { task, issuer, directory: issuer.directory, isRehearsal: false };
  const fresh = await order(options, { ...at, ...(replaces === undefined ? {} : { replaces }) }, call);
  const leaf = readLeaf(id, fresh.chain, fresh.key, wish.names);
  const about = {
    source: 'acme',
    issuer: issuer.name,
    isInterim: false,
    isPublic: isPublicIssuer(issuer),
  } as const;
  const obtained = { wish, ...about, key: sealedKey(clusterKey, id, leaf, fresh.key), validity: leaf };
  const before = book.live.get(id);
  const record = servedRecord(obtained, before, { validityOf, now: chance.now() });
  await book.serve(record, call);
  await onStep('served', { id, isRehearsal: false });
  await fresh.cleanUp();
  await onStep('cleaned up', { id, isRehearsal: false });
  const validity = { notBefore: Date.parse(record.notBefore), notAfter: Date.parse(record.notAfter) };
  const { now, random } = { now: chance.now(), random: chance.random };
  await book.note(id, (state) => afterSuccess(state, { wish, keyType, validity, now, random }), call);
  await onStep('noted', { id, isRehearsal: false });
  const clock = clockWarning(leaf, now);
  if (clock !== undefined) log(`warn certs: ${id}: ${clock}`);
  const verb = before === undefined || before.isInterim ? 'issued' : 'renewed';
  const text = `${verb} by ${issuer.name} (${keyType}), valid until ${record.notAfter}`;
  log(`info certs: ${id}: ${text}`);
  return { ok: true, text };
}

/** The certificate that a renewal replaces, when the same issuer gave it (RFC 9773 section 5). */
function replacedChain(
  { book }: Pick<ObtainOptions, 'book'>,
  { wish, keyType }: { readonly wish: { readonly id: string }; readonly keyType: KeyType },
  issuer: IssuerRecord,
): string | undefined {
  const live = book.live.get(wish.id);
  if (live === undefined || live.isInterim || live.issuer !== issuer.name) return undefined;
  return live.keys.find(({ type }) => type === keyType)?.chain;
}

const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** A certificate made just now tells how late it is for the CA. */
function clockWarning(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): string | undefined {
  if (now + CLOCK_TOLERANCE_MS < notBefore)
    return "this host's clock is behind the CA's; look at timedatectl";
  if (now > notAfter)
    return "this host's clock is ahead: the certificate made just now would be over; look at timedatectl";
  return undefined;
}

async function hold(
  { book, chance }: ObtainOptions,
  { task, issuer, error }: At & { readonly error: unknown },
  call: Call,
): Promise<void> {
  const askedMs = retryAfterMs(error);
  if (askedMs === undefined) return;
  const now = chance.now();
  const { directory } = issuer;
  const until = now + Math.min(askedMs, LONGEST_HOLD_MS) * (1 + 0.1 * chance.random());
  await book.note(task.wish.id, (state) => withHold(state, { directory, until, now }), call);
}

async function fail(
  { book, chance, log }: ObtainOptions,
  at: {
    readonly task: OrderTask;
    readonly issuer?: IssuerRecord;
    readonly error?: unknown;
    readonly isRehearsal?: boolean;
  },
  call: Call,
): Promise<Attempt> {
  const { task, issuer, isRehearsal = false, error } = at;
  const { id } = task.wish;
  const live = book.live.get(id);
  const now = chance.now();
  const kind = failureKind(error);
  const text = `${isRehearsal ? 'rehearsal: ' : ''}${describeError(error ?? 'no issuer can be asked')}`;
  const failure = {
    ...{ issuer: issuer?.name ?? '', text, now, random: chance.random, isRehearsal },
    dropsOrder: !['outage', 'limited', 'own'].includes(kind),
    ...(error instanceof SeawallError && error.hint !== undefined ? { hint: error.hint } : {}),
    ...(live === undefined || live.isInterim ? {} : { leftMs: Date.parse(live.notAfter) - now }),
  };
  const state = await book.note(id, (present) => afterFailure(present, failure), call);
  log(`warn certs: ${id}: ${text}; tried again at ${state.nextTryAt}`);
  return { ok: false, text: failure.hint === undefined ? text : `${text}. ${failure.hint}` };
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);
