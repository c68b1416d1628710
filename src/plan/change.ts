import type { DesiredService, UpdateRule } from '../compose/desired.ts';
import type { MixedRelease, PublishedRoute } from './actual.ts';

/** One difference between desired and actual. `path` names the thing, `why` says what made it necessary. */
export interface Change {
  readonly kind: ChangeKind;
  /** Such as `services.web.replicas.3`, `routes.polls.example.com/`, `hosts.app1`. */
  readonly path: string;
  /** Host it happens on; absent for what concerns the whole cluster. */
  readonly host?: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly why: readonly string[];
  /** For replicas that go before their successor comes: why, and for about how long they are away. */
  readonly away?: string;
}

export type ChangeKind =
  | 'set-up-host'
  | 'build-image'
  | 'create-volume'
  | 'run-task'
  | 'start-replica'
  | 'replace-replica'
  | 'resume-replica'
  | 'stop-replica'
  | 'add-route'
  | 'change-route'
  | 'remove-route'
  | 'add-certificate'
  | 'change-certificate'
  | 'remove-certificate'
  | 'finish-release';

/** The container that a step takes away. */
export interface OldReplica {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly replica: number;
}

/** How the replicas of one service are exchanged. */
export type RollRule = Pick<
  UpdateRule,
  'parallelism' | 'delayMs' | 'monitorMs' | 'failureAction' | 'maxFailureRatio'
>;

/**
 * One executable part of a plan. A plan is a list of them, in order; neighbouring tasks and rolls may run side by side,
 * each once the services of its `after` are done.
 */
export type Step =
  /** Networks and volumes that the host needs before anything of the project starts there. */
  | {
      readonly kind: 'prepare';
      readonly host: string;
      readonly networks: readonly string[];
      readonly volumes: readonly string[];
      /** Services whose certificates have to lie there; absent: none. */
      readonly certificates?: readonly string[];
    }
  /** Run a task once, to its end. */
  | {
      readonly kind: 'run-task';
      readonly service: string;
      readonly host: string;
      readonly after: readonly string[];
    }
  /** Replace, add or remove the replicas of one service. */
  | {
      readonly kind: 'roll';
      readonly service: string;
      readonly after: readonly string[];
      readonly rule: RollRule;
      readonly moves: readonly Move[];
      readonly ending?: Ending;
    }
  /** Tell the edges the project's routes, all of them; and the catalog which certificates they need: those desired. */
  | { readonly kind: 'publish-routes'; readonly routes: readonly PublishedRoute[] };

/** Times of a replica that ends, in milliseconds. */
export type Ending = Pick<DesiredService, 'drainMs' | 'stopGraceMs'>;

export type Move =
  | { readonly kind: 'start'; readonly replica: number; readonly host: string }
  | {
      readonly kind: 'swap';
      readonly replica: number;
      readonly host: string;
      readonly old: OldReplica;
      readonly order: 'start-first' | 'stop-first';
    }
  /** Give a replica that stays its requests again. */
  | { readonly kind: 'resume'; readonly replica: number; readonly host: string; readonly old: OldReplica }
  | { readonly kind: 'stop'; readonly old: OldReplica };

/** A difference that cannot be planned: which thing, why, and what to do. */
export interface Obstacle {
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
  /** A host that does not answer is the cause. */
  readonly isUnreachable?: true;
}

/** Something that a plan does not change, and why. */
export interface Remark {
  readonly path: string;
  readonly message: string;
}

/** What `seawall plan` shows and `seawall deploy` does. Same input, same bytes. */
export interface Plan {
  readonly project: string;
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
  /** When not empty nothing is done. */
  readonly obstacles: readonly Obstacle[];
  /** What stays other than the files say, because a host is left out; absent: nothing. */
  readonly remarks?: readonly Remark[];
  /** The newest release runs beside the one before: what is planned makes it whole, or replaces it. */
  readonly mixed?: MixedRelease;
}
