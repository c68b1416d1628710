/** Who leads orders. */

import { until } from '../../until.ts';
import { mustOnHost } from './host.ts';
import { EDGES, type Project } from './project.ts';
import type { TlsStage } from './stage.ts';

/** A killed leader's lock is free when its session's time is over; then it is anybody's. */
const turnSeconds = 60;

/** Moves the catalog to the host that is no edge: what becomes of a leader is then not what becomes of the catalog. */
export async function freeEdgesOfCatalog(stage: TlsStage, project: Project): Promise<void> {
  if ((await stage.catalog.place()) !== 'host2')
    await project.expect(0, ['catalog', 'promote', 'host2', '--yes']);
  await until('host2 is the catalog', 60, async () => (await stage.catalog.place()) === 'host2');
}

/** The edge that leads, once one does. */
export function leaderOf(stage: TlsStage): Promise<string> {
  return until('somebody leads', 120, async () => {
    const host = await stage.catalog.leader();
    return host !== undefined && (EDGES as readonly string[]).includes(host) && host;
  });
}

/** Ends the server's process as the kernel would; Docker starts it again. */
export const killServer = (stage: TlsStage, host: string): Promise<string> =>
  mustOnHost(stage.lab, host, "kill -9 $(docker inspect --format '{{.State.Pid}}' seawall-server)");

/** Has an edge lead: whoever else does is killed, again if it is quicker to take the lead back. */
export async function haveLead(stage: TlsStage, host: string): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    const other = await leaderOf(stage);
    if (other === host) return;
    await killServer(stage, other);
    const isMoved = await until('', turnSeconds, async () => (await stage.catalog.leader()) === host).catch(
      () => false,
    );
    if (isMoved) return;
  }
  throw new Error(`${host} never leads`);
}
