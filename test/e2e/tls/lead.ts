/** Who leads orders. */

import { until } from '../../until.ts';
import { mustOnHost } from './host.ts';
import { EDGES, type Project } from './project.ts';
import type { TlsStage } from './stage.ts';

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

/** Has an edge lead: whoever else does is stopped until it leads, and started again. */
export async function haveLead(stage: TlsStage, host: string): Promise<void> {
  const other = await leaderOf(stage);
  if (other === host) return;
  await mustOnHost(stage.lab, other, 'docker stop seawall-server');
  try {
    await until(`${host} leads`, 120, async () => (await stage.catalog.leader()) === host);
  } finally {
    await mustOnHost(stage.lab, other, 'docker start seawall-server');
  }
}
