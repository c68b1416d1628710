import { type CatalogClient, parseEntry } from '../catalog/index.ts';
import type { Acknowledgement, KEY } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';

/** How long anybody may take to acknowledge: agents follow the catalog at once, a restarted one needs about 10 s. */
export const ACKNOWLEDGE_TIMEOUT_MS = 60_000;

/** What every edge and resolver has in force: host → its acknowledgement. */
export type Acknowledgements = ReadonlyMap<string, Acknowledgement>;

/** A replica as acknowledgements name it. */
export interface ServedReplica {
  readonly catalogService: string;
  /** Its address in its first network. */
  readonly address: string;
  /** Ports that routes lead to; none: the edges have no business with it. */
  readonly ports: readonly number[];
}

/** Why the replica does not get requests everywhere yet: one line per host; empty: it does. */
export function missingFrom(
  acks: Acknowledgements,
  hosts: readonly string[],
  replica: ServedReplica,
  edges: boolean,
): string[] {
  const wanted = edges ? replica.ports.map((port) => `${replica.address}:${port}`) : [replica.address];
  return hosts.flatMap((host) => {
    const ack = acks.get(host);
    if (!ack) return [`${host} does not acknowledge: its agent is away`];
    const inForce = ack.services[replica.catalogService] ?? [];
    return wanted
      .filter((address) => !inForce.includes(address))
      .map(
        (address) =>
          `${host} does not have ${address} yet${ack.problems[address] ? `: ${ack.problems[address]}` : ''}`,
      );
  });
}

/** Who still gives the replica new requests, or cannot say that it does not. */
export function stillGivenRequests(
  acks: Acknowledgements,
  hosts: readonly string[],
  replica: ServedReplica,
): string[] {
  return hosts.flatMap((host) => {
    const ack = acks.get(host);
    if (!ack) return [`${host} does not acknowledge: its agent is away`];
    const inForce = ack.services[replica.catalogService] ?? [];
    return inForce.some((address) => isAt(address, replica.address)) ? [`${host} still has it`] : [];
  });
}

/** Connections that workers of earlier generations may still have to the replica, over all edges. -1: not known. */
export function lingeringAt(
  acks: Acknowledgements,
  replica: ServedReplica,
): { requests: number; upgraded: number } {
  let requests = 0;
  let upgraded = 0;
  for (const ack of acks.values()) {
    for (const [address, open] of Object.entries(ack.lingering)) {
      if (!isAt(address, replica.address)) continue;
      requests = open.requests < 0 || requests < 0 ? -1 : requests + open.requests;
      upgraded += open.upgraded;
    }
  }
  return { requests, upgraded };
}

const isAt = (listed: string, address: string): boolean =>
  listed === address || listed.startsWith(`${address}:`);

/**
 * Waits until `until` says nothing is missing any more, looking again whenever an acknowledgement changes.
 * @throws SeawallError `timeout` with what is still missing.
 */
export async function waitForAcknowledgements(
  client: Pick<CatalogClient, 'kvList'>,
  prefix: typeof KEY.edgeAcks | typeof KEY.namesAcks,
  until: (acks: Acknowledgements) => readonly string[],
  options: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly note?: (text: string) => void;
  },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  let index = 0;
  for (;;) {
    const { acks, index: seen } = await readAcknowledgements(client, prefix, index, options.signal, deadline);
    const missing = until(acks);
    if (missing.length === 0) return;
    options.note?.(missing[0] ?? '');
    if (performance.now() >= deadline) {
      throw new SeawallError(
        'timeout',
        `no acknowledgement within ${options.timeoutMs / 1000} s: ${missing.join('; ')}`,
        {
          hint: 'Look at the agents: seawall machine ls',
        },
      );
    }
    index = seen;
  }
}

/** One look at the acknowledgements; with an index it waits for the next change, a second at the most. */
export async function readAcknowledgements(
  client: Pick<CatalogClient, 'kvList'>,
  prefix: string,
  index: number,
  signal: AbortSignal,
  deadline = Number.POSITIVE_INFINITY,
): Promise<{ acks: Acknowledgements; index: number }> {
  const waitMs = Math.max(1, Math.min(1000, deadline - performance.now()));
  const answer = await client.kvList(prefix, { signal, ...(index > 0 ? { index, waitMs } : {}) });
  const acks = new Map(
    answer.value.map(
      (entry) => [entry.key.slice(prefix.length), parseEntry<Acknowledgement>(entry)] as const,
    ),
  );
  return { acks, index: answer.index };
}
