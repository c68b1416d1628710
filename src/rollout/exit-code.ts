import type { ContainerInfo, Docker, DockerEvent } from '../hosts/index.ts';

type Exited = Pick<ContainerInfo, 'State' | 'RestartCount'>;

/** Why a container that should run does not; undefined while it does. `exitCode`: {@link lastExitCode}. */
export function crashOf(
  { State: state, RestartCount }: Exited,
  exitCode: number | undefined,
): string | undefined {
  // It is also set when only a child process was killed (moby, daemon/monitor.go) and the container serves on.
  if (state.OOMKilled && (state.Status !== 'running' || RestartCount > 0))
    return 'it ran out of memory and was killed';
  const exited = exitCode === undefined ? 'it exited' : `it exited with code ${exitCode}`;
  if (state.Status === 'exited' || state.Status === 'dead') return exited;
  return state.Status === 'restarting' || RestartCount > 0 ? `${exited} and was restarted` : undefined;
}

/**
 * The code with which a container's program ended last. While a restarted one runs, Docker's state holds that of the
 * present run, which is 0: then its events tell, as far back as the engine keeps them (256, moby/daemon/events).
 */
export async function lastExitCode(
  docker: Pick<Docker, 'info' | 'events'>,
  info: Pick<ContainerInfo, 'Id' | 'Created' | 'State' | 'RestartCount'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { State: state, RestartCount } = info;
  if (state.Status !== 'running') return state.ExitCode;
  if (RestartCount === 0) return undefined;
  // By the host's own clock, on which events are; with an end, the stream ends.
  const { SystemTime } = await docker.info({ signal });
  const since = unixSeconds(info.Created);
  const until = unixSeconds(SystemTime);
  const events: DockerEvent[] = [];
  const filters = { container: [info.Id], event: ['die'] };
  for await (const event of docker.events({ since, until, filters, signal })) events.push(event);
  return exitCodeOf(events);
}

/** The code of the last `die` event; undefined when there is none. */
export function exitCodeOf(events: readonly DockerEvent[]): number | undefined {
  const code = events.findLast(({ Action }) => Action === 'die')?.Actor.Attributes.exitCode;
  return code === undefined ? undefined : Number(code);
}

const unixSeconds = (time: string): string => (Date.parse(time) / 1000).toFixed(3);
