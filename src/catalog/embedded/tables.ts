/** Rows as Consul shows them (field names, order of fields); what they are stored as too. */

interface Stamp {
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

export interface NodeRow extends Stamp {
  readonly ID: string;
  readonly Node: string;
  readonly Address: string;
  readonly Datacenter: string;
  readonly TaggedAddresses: Readonly<Record<string, string>> | null;
  readonly Meta: Readonly<Record<string, string>> | null;
}

export interface ServiceRow extends Stamp {
  /** Node it stands on; left out where Consul shows the service inside its node. */
  readonly Node: string;
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[];
  readonly Address: string;
  readonly TaggedAddresses?: Readonly<Record<string, { readonly Address: string; readonly Port: number }>>;
  readonly Meta: Readonly<Record<string, string>> | null;
  readonly Port: number;
  readonly Weights: { readonly Passing: number; readonly Warning: number };
  readonly EnableTagOverride: boolean;
}

export interface CheckRow extends Stamp {
  readonly Node: string;
  readonly CheckID: string;
  readonly Name: string;
  readonly Status: string;
  readonly Notes: string;
  readonly Output: string;
  /** Empty: a check of the whole node. */
  readonly ServiceID: string;
  readonly ServiceName: string;
  readonly ServiceTags: readonly string[];
  readonly Type: string;
  readonly Definition: Readonly<Record<string, never>>;
}

/** TTL of a check that was registered through the agent's endpoints. Same id as its check. */
export interface TtlRow extends Stamp {
  readonly ttlMs: number;
}

export interface KvRow extends Stamp {
  readonly LockIndex: number;
  readonly Key: string;
  readonly Flags: number;
  /** Base64; null when empty. */
  readonly Value: string | null;
  readonly Session?: string;
}

export interface SessionRow extends Stamp {
  readonly ID: string;
  readonly Name: string;
  readonly Node: string;
  /** Nanoseconds. */
  readonly LockDelay: number;
  readonly Behavior: 'release' | 'delete';
  /** As it was given, such as `10s`; empty: none. */
  readonly TTL: string;
  readonly NodeChecks: readonly string[];
  readonly ServiceChecks: null;
}

export interface Tables {
  readonly node: NodeRow;
  readonly service: ServiceRow;
  readonly check: CheckRow;
  readonly ttl: TtlRow;
  readonly kv: KvRow;
  readonly session: SessionRow;
}

export type TableName = keyof Tables;

/** A row as an operation makes it, before it gets its indexes. */
export type Draft<T extends TableName> = Omit<Tables[T], keyof Stamp>;

/** One row to write, or (`null`) to remove. */
export type DraftChange = {
  [T in TableName]: { readonly table: T; readonly id: string; readonly row: Draft<T> | null };
}[TableName];
export type Change = {
  [T in TableName]: { readonly table: T; readonly id: string; readonly row: Tables[T] | null };
}[TableName];

/** What is written at once, under one index. */
export interface Commit {
  readonly index: number;
  readonly changes: readonly Change[];
}

/** Id of a service or check: node and own id; neither can contain a newline. */
export const onNode = (node: string, id: string): string => `${node}\n${id}`;
