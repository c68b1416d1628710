import type { Call, Handler, Reply } from './call.ts';
import { unsigned } from './call.ts';
import type { Catalog } from './catalog.ts';
import { parseGoDuration } from './duration.ts';
import { HttpError } from './http-error.ts';
import type { State, Topic } from './state.ts';

/** Consul's limits of a blocking read (agent/consul/rpc.go). */
const DEFAULT_WAIT_MS = 300_000;
const MAX_WAIT_MS = 600_000;
const JITTER_FRACTION = 16;

/**
 * A read that can wait: with `index` it answers when its topic has a higher one, or after `wait`. The answer and its
 * index are taken in the same moment.
 */
export function reading(
  topicOf: (call: Call) => Topic,
  answer: (state: State, call: Call) => Reply,
): Handler {
  return async (catalog, call) => {
    checkConsistency(call.query);
    const topic = topicOf(call);
    const index = unsigned(call.query, 'index') ?? 0;
    await news(catalog, topic, index, waitMs(call.query), call.signal);
    const reply = answer(catalog.state, call);
    const headers = {
      'X-Consul-Index': String(catalog.state.topicIndex(topic)),
      'X-Consul-Knownleader': 'true',
      'X-Consul-Lastcontact': '0',
    };
    return { ...reply, headers: { ...headers, ...reply.headers } };
  };
}

/** Waits until the topic has a higher index than `index`, `ms` at the most. */
export async function news(
  catalog: Catalog,
  topic: Topic,
  index: number,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const { state, waiters } = catalog;
  const deadline = catalog.clock() + ms;
  // An index from the future belongs to another life of the catalog: answered at once, so that its owner starts anew.
  while (index > 0 && index <= state.index && state.topicIndex(topic) <= index && !signal.aborted) {
    const leftMs = deadline - catalog.clock();
    if (leftMs <= 0) return;
    await waiters.wait(topic, leftMs, signal);
  }
}

/** What the query says about waiting, in milliseconds; Consul's default and limits. */
export function waitMs(query: URLSearchParams): number {
  const text = query.get('wait') ?? '';
  const asked = text === '' ? 0 : parseGoDuration(text);
  if (asked === undefined) throw new HttpError(400, 'Invalid wait time');
  const ms = asked === 0 ? DEFAULT_WAIT_MS : Math.min(asked, MAX_WAIT_MS);
  return ms + (Math.random() * ms) / JITTER_FRACTION;
}

function checkConsistency(query: URLSearchParams): void {
  if (query.has('stale') && query.has('consistent')) {
    throw new HttpError(400, 'Cannot specify ?stale with ?consistent, conflicting semantics.');
  }
}
