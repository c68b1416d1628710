/** What the catalog's client takes and gives: Consul's nouns in this program's spelling. */

/** A read and the index to wait on for its next change. */
export interface Answer<T> {
  readonly value: T;
  /** At least 1. */
  readonly index: number;
}

export interface KvEntry {
  readonly key: string;
  readonly value: string;
  readonly flags: number;
  readonly createIndex: number;
  /** What a compare-and-set write compares. */
  readonly modifyIndex: number;
  readonly lockIndex: number;
  /** Session that holds the key. */
  readonly session?: string;
}

export type CheckStatus = 'passing' | 'warning' | 'critical';

export interface ServiceEntry {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

export interface CheckEntry {
  readonly id: string;
  readonly name: string;
  readonly status: CheckStatus;
  readonly output: string;
  readonly notes?: string;
  /** Absent: a check of the whole node. */
  readonly serviceId?: string;
}

/** One write of a node with at most one service and any number of checks; all or nothing. */
export interface Registration {
  readonly node: string;
  readonly nodeAddress: string;
  /** Leave an existing node's address as it is; default false. */
  readonly skipNodeUpdate?: boolean;
  readonly service?: ServiceEntry;
  readonly checks?: readonly CheckEntry[];
}

/** What to remove: a check, a service with its checks, or (neither given) the node with everything on it. */
export interface Deregistration {
  readonly node: string;
  readonly serviceId?: string;
  readonly checkId?: string;
}

/** `release`: the keys stay and are free; `delete`: they vanish with the session. */
export type SessionBehavior = 'release' | 'delete';

export interface SessionRequest {
  readonly name: string;
  /** 10000 … 86400000 (Consul's limits). */
  readonly ttlMs: number;
  readonly behavior: SessionBehavior;
  /** Milliseconds in which nobody may acquire a key after its session was lost; default 0. */
  readonly lockDelayMs?: number;
}

export interface SessionEntry {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  readonly behavior: SessionBehavior;
}
