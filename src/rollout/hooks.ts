import type { Hook } from '../compose/desired.ts';
import { describeError } from '../errors.ts';
import { type HostLink, isNotFound } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import type { RolloutContext } from './context.ts';
import { ReplicaFailure } from './failure.ts';
import type { NewReplica } from './replica.ts';

/** A hook that runs for longer counts as failed. */
const HOOK_TIMEOUT_MS = 60_000;

/**
 * Runs a service's `post_start` in a replica that was just started.
 * @throws ReplicaFailure when one ends with another code than 0, or not within a minute.
 */
export async function runPostStart(
  context: Pick<RolloutContext, 'signal' | 'report'>,
  host: HostLink,
  replica: NewReplica,
  note: (text: string) => void,
): Promise<void> {
  for (const hook of replica.service.postStart ?? []) {
    note(`post_start ${hook.command[0] ?? ''}`);
    const failure = await runHook(host, replica.id, hook, context.signal);
    context.signal.throwIfAborted();
    if (failure !== undefined) throw new ReplicaFailure(replica, `post_start ${failure}`, '');
  }
}

/** Runs the `pre_stop` that a replica was made with. It is stopped whatever comes of it: a failure is only a line. */
export async function runPreStop(
  context: Pick<RolloutContext, 'signal' | 'report'>,
  host: HostLink,
  container: { readonly id: string; readonly name: string },
  note: (text: string) => void,
): Promise<void> {
  for (const hook of await preStopOf(host, container.id, context.signal)) {
    note(`pre_stop ${hook.command[0] ?? ''}`);
    const failure = await runHook(host, container.id, hook, context.signal);
    context.signal.throwIfAborted();
    if (failure !== undefined)
      context.report({ kind: 'line', text: `${container.name}: pre_stop ${failure}`, from: host.name });
  }
}

async function preStopOf(host: HostLink, id: string, signal: AbortSignal): Promise<readonly Hook[]> {
  try {
    const { Config, State } = await host.docker.inspectContainer(id, { signal });
    const written = Config.Labels?.[LABEL.preStop];
    return written === undefined || !State.Running ? [] : (JSON.parse(written) as Hook[]);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** What went wrong, as words that follow the hook's name. */
async function runHook(
  host: HostLink,
  id: string,
  { command, user, workingDir, isPrivileged, env }: Hook,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await host.docker.exec(id, command, {
      ...(user === undefined ? {} : { user }),
      ...(workingDir === undefined ? {} : { workingDir }),
      ...(isPrivileged === true ? { isPrivileged } : {}),
      ...(env === undefined ? {} : { env }),
      timeoutMs: HOOK_TIMEOUT_MS,
      signal,
    });
    const said = `${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? '';
    return exitCode === 0
      ? undefined
      : `${command[0]} ended with code ${exitCode}${said === '' ? '' : `: ${said}`}`;
  } catch (error) {
    return `${command[0]} did not run: ${describeError(error)}`;
  }
}
