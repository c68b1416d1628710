import { hostname, userInfo } from 'node:os';
import { acquireLease, type CatalogClient } from '../catalog/index.ts';
import { KEY, type LeaseRecord } from '../catalog/record.ts';
import type { Session } from './session.ts';

/**
 * Does `work` while holding the project's lease; its signal ends with the session's or when the lease is lost. Somebody
 * else had it before when `waited` is true: what was seen of the hosts no longer counts.
 */
export async function holdLease<T>(
  client: CatalogClient,
  session: Session,
  work: (signal: AbortSignal, waited: boolean) => Promise<T>,
): Promise<T> {
  const { desired, command, signal, report, lockWaitMs = 0 } = session;
  const record = () => ({ who: userName(), from: hostname(), since: new Date().toISOString(), command });
  let waited = false;
  const onWait = ({ who, from, since, command: theirs }: LeaseRecord): void => {
    waited = true;
    const text = `waiting for ${who} on ${from}, who changes ${desired.project} since ${since}: ${theirs}`;
    report({ kind: 'line', text });
  };
  const lease = await acquireLease(client, KEY.lease(desired.project), record, {
    signal,
    waitMs: lockWaitMs,
    onWait,
  });
  try {
    return await work(AbortSignal.any([signal, lease.lost]), waited);
  } finally {
    await lease.release();
  }
}

/** Who runs the command: in CI its own word for it, else the login name. */
export function userName(): string {
  const { GITHUB_ACTOR, GITLAB_USER_LOGIN } = process.env;
  return GITHUB_ACTOR ?? GITLAB_USER_LOGIN ?? userInfo().username;
}
