import type { Desired } from '../../compose/desired.ts';
import type { Config } from '../../config/index.ts';
import type { Report } from '../../progress.ts';
import type { Evacuation } from '../evacuate.ts';

/** What leaves a host, and what stays there. */
export interface RemovalView {
  readonly host: string;
  /** Id of the cluster that it leaves; absent when none was found. */
  readonly cluster?: string;
  /** Hosts of the cluster that stay. */
  readonly others: readonly string[];
  readonly isEdge: boolean;
  /** Seawall's own, and tasks and one-offs of projects that have ended. */
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  /** Removed with `images` only. */
  readonly images: readonly string[];
  /** Volumes of projects: kept, with their data. */
  readonly volumes: readonly string[];
  /** Services that somebody started there by hand: they run on, and leave the catalog. */
  readonly services: readonly string[];
  /** What is started elsewhere before the host goes, by project. */
  readonly moves: readonly Evacuation[];
  /** It does not answer and is only forgotten: what is there stays there. */
  readonly isGone: boolean;
}

export interface RemoveHostOptions {
  readonly config: Config;
  /** The project of the seawall.yml at hand. */
  readonly desired: Desired;
  /** For the leases of the projects that move: what the user typed. */
  readonly command: string;
  readonly host: string;
  readonly images: boolean;
  /** What cannot move goes with the host. */
  readonly force: boolean;
  /** The host is dead for good. */
  readonly gone: boolean;
  readonly confirm: (view: RemovalView) => Promise<boolean>;
  readonly report: Report;
  readonly signal: AbortSignal;
}
