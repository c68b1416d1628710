import { markStopping } from '../catalog/index.ts';
import type { Instance } from '../catalog/record.ts';
import { goneIsFine } from '../hosts/index.ts';
import type { RolloutContext } from './context.ts';
import { drain, type Leaving } from './drain.ts';
import { runPreStop } from './hooks.ts';

type Note = (text: string) => void;

/** Time besides the replica's own grace: for its `pre_stop`, for what Docker does around a stop. */
const STOP_TIMEOUT_MS = 180_000;

/**
 * Takes a replica away without losing a request: no new requests anywhere (acknowledged), then those under way end, then
 * SIGTERM, grace, removal. Its address is free afterwards only when everybody has dropped it.
 */
export async function retire(context: RolloutContext, leaving: Leaving, note: Note): Promise<void> {
  const instance = await drain(context, leaving, note);
  await stop(context, leaving, instance, note);
  await remove(leaving);
}

/**
 * Tells a drained replica to stop, and waits until it has. There is no way back from its `pre_stop` and its signal: whatever
 * becomes of the deploy, the catalog says so first, and a Ctrl-C waits for the end. One that is gone already is fine.
 */
export async function stop(
  context: RolloutContext,
  { host, old, rule }: Leaving,
  instance: Instance | undefined,
  note: Note,
): Promise<void> {
  context.signal.throwIfAborted();
  const signal = AbortSignal.timeout(rule.stopGraceMs + STOP_TIMEOUT_MS);
  if (instance) await markStopping(context.client, instance, { signal });
  await runPreStop({ report: context.report, signal }, host, old, note);
  note('stopping');
  await goneIsFine(host.docker.stopContainer(old.id, rule.stopGraceMs, { signal }));
}

/** Removes a replica that has stopped, with its anonymous volumes. */
export async function remove({ host, old }: Leaving): Promise<void> {
  const signal = AbortSignal.timeout(STOP_TIMEOUT_MS);
  await goneIsFine(host.docker.removeContainer(old.id, { force: true, volumes: true, signal }));
}
