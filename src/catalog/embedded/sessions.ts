import { randomUUID } from 'node:crypto';
import type { Body } from './body.ts';
import { parseGoDuration } from './duration.ts';
import { HttpError } from './http-error.ts';
import type { State } from './state.ts';
import type { Draft, DraftChange, SessionRow } from './tables.ts';
import { onNode } from './tables.ts';

const MIN_TTL_MS = 10_000;
const MAX_TTL_MS = 86_400_000;
const MAX_LOCK_DELAY_NS = 60e9;
const DEFAULT_LOCK_DELAY_NS = 15e9;

/** A new session as a client asks for it. @throws HttpError 500 with Consul's texts. */
export function sessionFromBody(body: Body, ownNode: string, state: State): Draft<'session'> {
  const Node = body.text('Node') || ownNode;
  const TTL = body.text('TTL');
  const Behavior = body.text('Behavior') || 'release';
  if (Behavior !== 'release' && Behavior !== 'delete')
    throw new HttpError(500, `Invalid Behavior setting '${Behavior}'`);
  checkTtl(TTL);
  if (state.get('node', Node) === undefined) throw new HttpError(500, 'Missing node registration');
  const named = body.has('NodeChecks') ? body.texts('NodeChecks') : body.texts('Checks');
  const NodeChecks = body.has('NodeChecks') || body.has('Checks') ? named : ['serfHealth'];
  for (const id of NodeChecks) {
    const check = state.get('check', onNode(Node, id));
    if (check === undefined) throw new HttpError(500, `Missing check '${id}' registration`);
    if (check.Status === 'critical') throw new HttpError(500, `Check '${id}' is in critical state`);
  }
  return {
    ID: randomUUID(),
    Name: body.text('Name'),
    Node,
    LockDelay: lockDelay(body),
    Behavior,
    TTL,
    NodeChecks,
    ServiceChecks: null,
  };
}

function checkTtl(text: string): void {
  if (text === '') return;
  const ms = parseGoDuration(text);
  if (ms === undefined)
    throw new HttpError(500, `Session TTL '${text}' invalid: time: invalid duration "${text}"`);
  if (ms !== 0 && (ms < MIN_TTL_MS || ms > MAX_TTL_MS)) {
    throw new HttpError(500, `Invalid Session TTL '${ms * 1e6}', must be between [10s=24h0m0s]`);
  }
}

/** Nanoseconds out of `15s`, or a number: below 1000 it means seconds (Consul: agent/session_endpoint.go). */
function lockDelay(body: Body): number {
  if (!body.has('LockDelay')) return DEFAULT_LOCK_DELAY_NS;
  let ns: number | undefined;
  try {
    const number = body.integer('LockDelay');
    ns = number < 1000 ? number * 1e9 : number;
  } catch {
    const ms = parseGoDuration(body.text('LockDelay'));
    ns = ms === undefined ? undefined : ms * 1e6;
  }
  if (ns === undefined || ns < 0) throw new HttpError(400, 'Request decode failed: LockDelay is no duration');
  return Math.min(ns, MAX_LOCK_DELAY_NS);
}

/** What ends with a session: itself, and its hold on keys, or the keys. Nothing for an unknown one. */
export function endSession(state: State, id: string): DraftChange[] {
  const session = state.get('session', id);
  if (session === undefined) return [];
  const keys = state.rows('kv').filter((row) => row.Session === id);
  return [
    { table: 'session', id, row: null },
    ...keys.map(
      ({ Session: _, ...row }): DraftChange => ({
        table: 'kv',
        id: row.Key,
        row: session.Behavior === 'delete' ? null : row,
      }),
    ),
  ];
}

/** Sessions whose node or one of whose checks goes away, or turns critical, with the drafts. */
export function brokenSessions(state: State, drafts: readonly DraftChange[]): DraftChange[] {
  const lost = new Set<string>();
  for (const draft of drafts) {
    const gone = draft.row === null;
    if (draft.table === 'node' && gone) lost.add(draft.id);
    if (draft.table === 'check' && (gone || draft.row.Status === 'critical')) lost.add(draft.id);
  }
  if (lost.size === 0) return [];
  const broken = (session: SessionRow): boolean =>
    lost.has(session.Node) || session.NodeChecks.some((check) => lost.has(onNode(session.Node, check)));
  return state
    .rows('session')
    .filter(broken)
    .flatMap((session) => endSession(state, session.ID));
}
