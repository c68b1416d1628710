import { isDeepStrictEqual } from 'node:util';
import type { Change, CheckRow, Commit, DraftChange, TableName, Tables } from './tables.ts';
import { onNode } from './tables.ts';

/**
 * Something that a read depends on, such as `service/web`, `nodes`, `key/a/b` or (only to wait on) `prefix/a/`. `lasting`:
 * keys that no session holds, which nobody but the catalog remembers.
 */
export type Topic = string;

/** Above this many topics the older ones are forgotten: their readers then see a higher index once, for nothing. */
const TOPIC_LIMIT = 20_000;

/**
 * The catalog's content in memory. Every commit gets the next index; every topic remembers the index that touched it last,
 * so that a read's index rises only when its own answer may have changed (hashicorp/consul#3890).
 */
export class State {
  readonly #tables: { readonly [T in TableName]: Map<string, Tables[T]> } = {
    node: new Map(),
    service: new Map(),
    check: new Map(),
    ttl: new Map(),
    kv: new Map(),
    session: new Map(),
  };
  readonly #touched = new Map<Topic, number>();
  #index = 1;
  #floor = 1;

  /** Index of the last commit; at least 1. */
  get index(): number {
    return this.#index;
  }

  get<T extends TableName>(table: T, id: string): Tables[T] | undefined {
    return this.#tables[table].get(id);
  }

  rows<T extends TableName>(table: T): Tables[T][] {
    return [...this.#tables[table].values()];
  }

  entries<T extends TableName>(table: T): IterableIterator<[string, Tables[T]]> {
    return this.#tables[table].entries();
  }

  /** Gives the drafts that change something their indexes; undefined when none does. */
  stamp(drafts: readonly DraftChange[]): Commit | undefined {
    const index = this.#index + 1;
    const changes: Change[] = [];
    for (const draft of drafts) {
      const present = this.get(draft.table, draft.id);
      if (draft.row === null) {
        if (present !== undefined) changes.push({ ...draft, row: null });
        continue;
      }
      const row = { ...draft.row, CreateIndex: present?.CreateIndex ?? index, ModifyIndex: index };
      const same =
        present !== undefined && isDeepStrictEqual({ ...row, ModifyIndex: present.ModifyIndex }, present);
      if (!same) changes.push({ table: draft.table, id: draft.id, row } as Change);
    }
    return changes.length === 0 ? undefined : { index, changes };
  }

  /** Carries a commit out. @returns the topics it touched. */
  apply(commit: Commit): Set<Topic> {
    const topics = new Set<Topic>();
    for (const change of commit.changes) {
      this.#collectTopics(change, topics);
      const table = this.#tables[change.table] as Map<string, unknown>;
      if (change.row === null) table.delete(change.id);
      else table.set(change.id, change.row);
      this.#collectTopics(change, topics);
    }
    this.#index = commit.index;
    for (const topic of topics) this.#touched.set(topic, commit.index);
    if (this.#touched.size > TOPIC_LIMIT) this.settle(commit.index);
    return topics;
  }

  /**
   * Forgets what touched which topic and lifts all of them to the present index. After a load that keeps every index
   * from falling behind what was told before.
   */
  settle(index: number): void {
    this.#index = index;
    this.#floor = index;
    this.#touched.clear();
  }

  /** Index of a read. For a `prefix/…` topic the highest of the keys below, removed ones included. */
  topicIndex(topic: Topic): number {
    const prefix = prefixOf(topic);
    if (prefix === undefined) return this.#touched.get(topic) ?? this.#floor;
    let highest = this.#floor;
    for (const [other, index] of this.#touched) {
      if (index > highest && isBelow(other, prefix)) highest = index;
    }
    return highest;
  }

  /** Called before and after a change: both what it was and what it becomes is touched. */
  #collectTopics(change: Change, topics: Set<Topic>): void {
    if (change.table === 'kv') {
      topics.add(`key/${change.id}`);
      const key = change.row ?? this.get('kv', change.id);
      if (key !== undefined && key.Session === undefined) topics.add('lasting');
    }
    if (change.table === 'session') topics.add('sessions').add(`session/${change.id}`);
    if (change.table === 'kv' || change.table === 'session' || change.table === 'ttl') return;
    const row = change.row ?? this.get(change.table, change.id);
    if (row === undefined) return;
    topics.add(`node/${row.Node}`);
    if (change.table === 'node') {
      topics.add('nodes');
      this.#addServicesOf(row.Node, topics);
    } else if (change.table === 'service') {
      const present = this.get('service', change.id) ?? change.row;
      if (present !== null) topics.add('services').add(`service/${present.Service}`);
    } else if (change.table === 'check') {
      topics.add('checks');
      this.#addCheckTopics(row as CheckRow, topics);
    }
  }

  #addCheckTopics(row: CheckRow, topics: Set<Topic>): void {
    if (row.ServiceID === '') {
      this.#addServicesOf(row.Node, topics);
      return;
    }
    const service = this.get('service', onNode(row.Node, row.ServiceID));
    topics.add(`service/${service?.Service ?? row.ServiceName}`);
  }

  #addServicesOf(node: string, topics: Set<Topic>): void {
    for (const service of this.#tables.service.values()) {
      if (service.Node === node) topics.add(`service/${service.Service}`);
    }
  }
}

/** Key prefix that a topic stands for, when it stands for one. */
export const prefixOf = (topic: Topic): string | undefined =>
  topic.startsWith('prefix/') ? topic.slice('prefix/'.length) : undefined;

/** Whether a `key/…` topic lies below a key prefix. */
export const isBelow = (topic: Topic, prefix: string): boolean =>
  topic.startsWith('key/') && topic.startsWith(prefix, 4);
