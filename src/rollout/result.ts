import type { Plan } from '../plan/index.ts';
import type { DomainCertificate } from './certificates/await.ts';

/** What a deploy, rollback or scale came to. JSON-serialisable. */
export interface RolloutResult {
  readonly project: string;
  /**
   * `unchanged`: nothing to do. `reverted`: failed, the last good release serves. `mixed`: failed and not undone; on
   * purpose when {@link RolloutResult.onPurpose} says so.
   */
  readonly outcome: 'done' | 'unchanged' | 'reverted' | 'mixed';
  /** Release in force afterwards; undefined when none is. */
  readonly release?: number;
  readonly plan: Plan;
  readonly durationMs: number;
  readonly traffic?: TrafficSummary;
  /** What bringing the images came to; absent when none had to be looked for. */
  readonly transfer?: TransferSummary;
  readonly failure?: FailureReport;
  /** The `failure_action` of a service left replicas of two releases: `pause` stopped there, `continue` went on. */
  readonly onPurpose?: 'pause' | 'continue';
  /** Domains with HTTPS and their certificates; absent when no route was changed or none is HTTPS. */
  readonly certificates?: readonly DomainCertificate[];
  /** Edge host → milliseconds for which it accepted no connection while it was replaced; absent: none was, or another served. */
  readonly edgeGapsMs?: Readonly<Record<string, number>>;
  /** Addresses where routes are served, such as `https://polls.example.com/`. */
  readonly urls: readonly string[];
  readonly notices: readonly string[];
  /** Tasks that ran in releases since the one that serves now (after a rollback): the schema may be newer. */
  readonly tasksSince: readonly { readonly task: string; readonly release: number }[];
}

export interface TransferSummary {
  /** Bytes that left the operator's machine for hosts, as they were on the wire. */
  readonly uploadedBytes: number;
  /** Bytes of layers that hosts gave to each other. */
  readonly betweenHostsBytes: number;
  /** Layers that came to a host, and those that were there, each once per host. */
  readonly sentLayers: number;
  readonly skippedLayers: number;
  /** Builds and pulls included. */
  readonly durationMs: number;
}

export interface TrafficSummary {
  readonly requests: number;
  readonly failed: number;
  /** Of `failed`, those while a stop-first service was announced away. */
  readonly away: number;
  readonly p99Ms: number;
  readonly drainedReplicas: number;
  readonly longestDrainMs: number;
  readonly socketsCut: number;
  /** Edges that did not report in time. */
  readonly missing: readonly string[];
}

/** Why a new replica or a task did not come up, as far as can be seen. */
export interface FailureReport {
  /** Service or task; empty when it was neither. */
  readonly service: string;
  readonly host: string;
  readonly container: string;
  /** Such as `exited with code 3`, `not healthy within 60 s`; `interrupted` without a service: Ctrl-C, nothing failed. */
  readonly what: string;
  /** What was asked, status and first bytes of the answer. */
  readonly lastProbe?: string;
  /** Last 20 lines of its log. */
  readonly log: readonly string[];
  readonly likelyCause?: string;
  readonly nextCommand: string;
  /** A task failed: the schema may have changed. */
  readonly schemaMayHaveChanged: boolean;
}
