import type { Filters } from './docker-types.ts';

/** Every call can be cut short; it then throws the signal's reason. Long streams (logs, events) just end. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ListContainersOptions extends CallOptions {
  /** Stopped ones too. Default: only those that run. */
  readonly all?: boolean;
  /** `name` or `name=value`; all must be there. */
  readonly labels?: readonly string[];
  readonly filters?: Filters;
}

export interface LogOptions extends CallOptions {
  readonly follow?: boolean;
  /** Number of last lines; all by default. */
  readonly tail?: number;
  /** Seconds since the epoch, with fraction, or an RFC 3339 time. */
  readonly since?: number | string;
  readonly until?: number | string;
  readonly timestamps?: boolean;
}

export interface AttachOptions extends CallOptions {
  readonly stdin?: boolean;
  /** Also what was written before. */
  readonly logs?: boolean;
}
