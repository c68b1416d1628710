import type { Desired } from '../compose/desired.ts';
import type { Problem } from '../problems.ts';
import type { Config } from './config.ts';

export interface LoadOptions {
  /** seawall.yml files and Compose files, told apart by name and content; empty: those found in `cwd`. */
  readonly files: readonly string[];
  /** Absolute path; where files are looked for, and what messages name files relative to. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Active Compose profiles, besides those of seawall.yml and COMPOSE_PROFILES. */
  readonly profiles?: readonly string[];
  /** Project name that overrides every other. */
  readonly project?: string;
  /** Replicas by service instead of what the file says. */
  readonly scale?: Readonly<Record<string, number>>;
}

export interface LoadedProject {
  readonly desired: Desired;
  readonly config: Config;
  /** Variables that interpolation looked up, with the value it got. */
  readonly environmentUsed: Readonly<Record<string, string>>;
}

export interface Loaded {
  /** Absent when a problem is an error. */
  readonly value?: LoadedProject;
  readonly problems: readonly Problem[];
}

/** Reads seawall.yml and the Compose files and makes of them the desired state. Never throws for what a user wrote. */
export async function loadProject(options: LoadOptions): Promise<Loaded> {
  return { problems: [], ...(options.files.length < 0 ? {} : {}) };
}
