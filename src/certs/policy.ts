/** What is to be done about certificates. No clock, no randomness: everything comes in. */
import type {
  CertificateRecord,
  CertificateState,
  CertificateWish,
  IssuerRecord,
  KeyType,
} from '../catalog/tls-record.ts';
import { DAY_MS, HOUR_MS } from './renewal.ts';
import {
  type Decision,
  type OrderTask,
  restKey,
  type Situation,
  type Task,
  taskId,
  type Why,
} from './task.ts';
import { sameNames } from './wishes.ts';

/**
 * How long a certificate is kept that nobody wishes: who goes back to an earlier release, or takes a project down and up
 * again, finds it, and Let's Encrypt gives only 5 of the same set of names in 7 days.
 */
export const KEEP_UNWISHED_MS = 7 * DAY_MS;

/** A task, or the time (milliseconds of the epoch) to look again, or nothing. */
type Outcome = Task | number | undefined;

/** What is due now, most urgent first, and when something is due next. */
export function decide(situation: Situation): Decision {
  const wished = new Map(situation.wishes.map((wish) => [wish.id, wish]));
  const outcomes: Outcome[] = [...situation.requests].map(([id, request]) => ({
    kind: 'request' as const,
    ...{ id, request, ...optional(wished.get(id)) },
  }));
  for (const wish of situation.wishes) {
    if (!situation.requests.has(wish.id)) outcomes.push(dueOf(wish, situation));
  }
  const known = new Set([...situation.live.keys(), ...situation.states.keys()]);
  for (const id of known) {
    if (!wished.has(id) && !situation.requests.has(id)) outcomes.push(unwished(id, situation));
  }
  const rested = outcomes.map((outcome) =>
    typeof outcome === 'object' ? unlessResting(outcome, situation) : outcome,
  );
  const tasks = rested.filter((outcome) => typeof outcome === 'object');
  const times = rested.filter((outcome) => typeof outcome === 'number');
  const wakeAt = times.length === 0 ? {} : { wakeAt: times.reduce((a, b) => Math.min(a, b)) };
  return { tasks: tasks.toSorted((a, b) => urgency(a, situation) - urgency(b, situation)), ...wakeAt };
}

const optional = (wish: CertificateWish | undefined) => (wish === undefined ? {} : { wish });

const RANKS: readonly Task['kind'][] = [
  ...(['wished', 'interim', 'files', 'internal', 'request'] as const),
  ...(['abandon', 'order', 'ask', 'unwished', 'forget'] as const),
];

/** What serves nothing yet goes before what serves on; then what ends first. */
function urgency(task: Task, { live }: Situation): number {
  const end = live.get(taskId(task));
  const endsAt = end === undefined || end.isInterim ? 0 : Date.parse(end.notAfter);
  return RANKS.indexOf(task.kind) * 1e15 + endsAt;
}

function dueOf(wish: CertificateWish, situation: Situation): Outcome {
  const live = situation.live.get(wish.id);
  if (situation.states.get(wish.id)?.unwishedSince !== undefined) return { kind: 'wished', id: wish.id };
  if (wish.source === 'files') {
    if (situation.handledFiles.get(wish.id) !== wish.files) return { kind: 'files', wish };
    return live === undefined ? unlessResting({ kind: 'interim', wish }, situation) : undefined;
  }
  if (wish.source === 'internal') return internalDue(wish, live, situation);
  const interim = interimDue(wish, live, situation);
  return typeof interim === 'object' ? interim : earlier(interim, acmeDue(wish, live, situation));
}

const earlier = (at: number | undefined, other: Outcome): Outcome =>
  at === undefined || typeof other === 'object' ? other : Math.min(at, other ?? at);

/** Interim certificates are made where none is served, and made again when two thirds of them are over. */
function interimDue(
  wish: CertificateWish,
  live: CertificateRecord | undefined,
  situation: Situation,
): Outcome {
  if (live !== undefined && !live.isInterim) return undefined;
  const again = live === undefined ? 0 : shareOfLife(live, 2 / 3);
  const fits = live !== undefined && sameNames(live.names, wish.names);
  if (fits && again > situation.now) return again;
  return unlessResting({ kind: 'interim', wish }, situation);
}

function shareOfLife({ notBefore, notAfter }: CertificateRecord, share: number): number {
  const from = Date.parse(notBefore);
  return from + (Date.parse(notAfter) - from) * share;
}

function internalDue(
  wish: CertificateWish,
  live: CertificateRecord | undefined,
  situation: Situation,
): Outcome {
  const state = situation.states.get(wish.id);
  const lack = whatLacks(wish, live);
  const renewAt = renewalTime(state, live);
  const waits = waitsUntil(state, lack, situation);
  if (lack === undefined && renewAt > situation.now) return renewAt;
  // Where nothing at all is served the pause is this leader's own, and short.
  if (live !== undefined && waits !== undefined) return waits;
  const why = lack ?? (state?.renewReason === 'asked' ? 'asked' : 'renewal');
  return unlessResting({ kind: 'internal', wish, why }, situation);
}

/** What a wish has not got; undefined: nothing. */
function whatLacks(wish: CertificateWish, live: CertificateRecord | undefined): Why | undefined {
  if (live === undefined || live.isInterim) return 'missing';
  if (live.source !== wish.source) return 'source';
  if (!hasNames(wish, live)) return 'names';
  const isWanted = wish.issuers.some(({ name }) => name === live.issuer);
  if (wish.source === 'acme' && !isWanted) return 'issuer';
  if (missingKey(wish, live) !== undefined) return 'key';
  return undefined;
}

/**
 * What a service serves with may be for names that are not wished any more, until it is renewed anyway: workers of nginx with
 * the routes before still ask for them for as long as their clients stay.
 */
function hasNames({ names, purpose }: CertificateWish, live: CertificateRecord): boolean {
  if (purpose === undefined) return sameNames(live.names, names);
  return sameNames(live.names, [...live.names, ...names]);
}

const missingKey = (wish: CertificateWish, live: CertificateRecord): KeyType | undefined =>
  wish.keys.find((type) => !live.keys.some((key) => key.type === type));

function acmeDue(wish: CertificateWish, live: CertificateRecord | undefined, situation: Situation): Outcome {
  const state = situation.states.get(wish.id);
  const { now } = situation;
  const order = state?.order;
  const issuer = order && wish.issuers.find(({ name }) => name === order.issuer);
  if (order !== undefined && (issuer === undefined || !wish.keys.includes(order.keyType)))
    return unlessResting({ kind: 'abandon', wish }, situation);
  const lack = whatLacks(wish, live);
  const asks = lack === undefined && live !== undefined ? askDue(wish, live, situation) : undefined;
  if (typeof asks === 'object') return asks;
  const renewAt = lack === undefined ? renewalTime(state, live) : now;
  const waits = waitsUntil(state, lack, situation);
  if (order === undefined && renewAt > now) return earlier(asks, renewAt);
  if (waits !== undefined) return earlier(asks, waits);
  const usable = wish.issuers.filter(({ directory }) => heldUntil(state, directory) <= now);
  if (usable.length === 0) return firstFree(wish, state);
  return orderOf(wish, { live, state, lack, usable });
}

function orderOf(
  wish: CertificateWish,
  {
    live,
    state,
    lack,
    usable,
  }: {
    readonly live: CertificateRecord | undefined;
    readonly state: CertificateState | undefined;
    readonly lack: Why | undefined;
    readonly usable: readonly IssuerRecord[];
  },
): OrderTask {
  const order = state?.order;
  const wanted = lack === 'key' && live !== undefined ? missingKey(wish, live) : undefined;
  const keyType = order?.keyType ?? wanted ?? nextKey(wish, state);
  const first = order && wish.issuers.find(({ name }) => name === order.issuer);
  const issuers = first === undefined ? usable : [first, ...usable.filter((one) => one !== first)];
  const proven =
    sameNames(state?.rehearsedNames, wish.names) ||
    (live !== undefined && isProven(wish, live)) ||
    usable.every(({ staging }) => staging === undefined);
  const why =
    order !== undefined ? 'resumed' : (lack ?? (state?.renewReason === 'asked' ? 'asked' : 'renewal'));
  return { kind: 'order', wish, keyType, issuers, rehearses: order?.isRehearsal ?? !proven, why };
}

/** Names for which an ACME server gave the certificate that is served. */
const isProven = (wish: CertificateWish, live: CertificateRecord): boolean =>
  live.source === 'acme' && !live.isInterim && sameNames(live.names, wish.names);

/** Of the kinds of key the first that this renewal has not got yet. */
const nextKey = (wish: CertificateWish, state: CertificateState | undefined): KeyType =>
  wish.keys.find((type) => state?.renewed?.includes(type) !== true) ?? wish.keys[0] ?? 'ecdsa';

function askDue(wish: CertificateWish, live: CertificateRecord, situation: Situation): Outcome {
  const state = situation.states.get(wish.id);
  const askAt = state?.renewAt === undefined ? 0 : Date.parse(state.ari?.askAt ?? '');
  const at = Number.isNaN(askAt) ? 0 : askAt;
  if (state?.renewReason === 'asked' && Date.parse(state.renewAt ?? '') <= situation.now) return undefined;
  if (at > situation.now) return at;
  return unlessResting({ kind: 'ask', wish, live }, situation);
}

/** The planned time; the end of two thirds of the life where none is planned. */
function renewalTime(state: CertificateState | undefined, live: CertificateRecord | undefined): number {
  if (live === undefined) return 0;
  const planned = Date.parse(state?.renewAt ?? '');
  return Number.isNaN(planned) ? shareOfLife(live, 2 / 3) : planned;
}

/** What is lacking waits only after failures: a renewal's pause does not hold up a name that was added. */
function waitsUntil(
  state: CertificateState | undefined,
  lack: Why | undefined,
  { now }: Situation,
): number | undefined {
  const at = Date.parse(state?.nextTryAt ?? '');
  const isHeld = lack === undefined || (state?.failures ?? 0) > 0;
  return isHeld && at > now ? at : undefined;
}

/** Until when an issuer asked to be left alone with this certificate; 0: it did not. */
const heldUntil = (state: CertificateState | undefined, directory: string): number =>
  Date.parse(state?.issuerHolds?.[directory] ?? '') || 0;

const firstFree = (wish: CertificateWish, state: CertificateState | undefined): number | undefined =>
  wish.issuers.length === 0
    ? undefined
    : Math.min(...wish.issuers.map(({ directory }) => heldUntil(state, directory)));

function unlessResting(task: Task, { resting, now }: Situation): Outcome {
  const until = resting.get(restKey(task.kind, taskId(task))) ?? 0;
  return until > now ? until : task;
}

function unwished(id: string, situation: Situation): Outcome {
  const since = Date.parse(situation.states.get(id)?.unwishedSince ?? '');
  if (Number.isNaN(since)) return { kind: 'unwished', id };
  // A clock that was ahead when the time was noted must not keep it for ever.
  if (since > situation.now + HOUR_MS) return { kind: 'unwished', id };
  const at = since + KEEP_UNWISHED_MS;
  return at <= situation.now ? unlessResting({ kind: 'forget', id }, situation) : at;
}
