import { hostname, userInfo } from 'node:os';
import { acquireLease, type CatalogClient } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { Session } from './session.ts';

/** Does `work` while holding the project's lease; its signal ends with the session's or when the lease is lost. */
export async function holdLease<T>(
  client: CatalogClient,
  session: Session,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { desired, command, signal } = session;
  const record = { who: userName(), from: hostname(), since: new Date().toISOString(), command };
  const lease = await acquireLease(client, KEY.lease(desired.project), record, { signal });
  try {
    return await work(AbortSignal.any([signal, lease.lost]));
  } finally {
    await lease.release();
  }
}

/** Who runs the command: in CI its own word for it, else the login name. */
export function userName(): string {
  const { GITHUB_ACTOR, GITLAB_USER_LOGIN } = process.env;
  return GITHUB_ACTOR ?? GITLAB_USER_LOGIN ?? userInfo().username;
}
