import type { ContainerSettings, DesiredService } from '../compose/desired.ts';

/** What `seawall run` is told to do differently from the service. */
export interface Overrides {
  /** The program and its arguments instead of the service's; empty: the service's. */
  readonly argv: readonly string[];
  /** `NAME=value`, instead of or besides the service's. */
  readonly env: readonly string[];
  readonly user?: string;
  readonly entrypoint?: string;
  readonly workingDir?: string;
  readonly tty: boolean;
}

/** The service as a one-off container runs it: its image, settings and mounts, no health check, input attached. */
export function oneOffService(service: DesiredService, overrides: Overrides): DesiredService {
  const { argv, env, user, entrypoint, workingDir, tty } = overrides;
  const attached = {
    Tty: tty,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  };
  const container: ContainerSettings = {
    ...service.container,
    ...attached,
    Env: mergeEnv(service.container.Env ?? [], env),
    Healthcheck: { Test: ['NONE'] },
    ...(entrypoint === undefined ? {} : { Entrypoint: [entrypoint], Cmd: [] }),
    ...(argv.length === 0 ? {} : { Cmd: argv }),
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
  };
  return { ...service, container };
}

/** Later entries win; sorted by name. */
function mergeEnv(before: readonly string[], after: readonly string[]): string[] {
  const byName = new Map([...before, ...after].map((entry) => [entry.split('=', 1)[0] ?? entry, entry]));
  return [...byName.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}
