import { type HostLink, isNotFound } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import type { Session } from './session.ts';

/**
 * Clears away tasks of a deploy whose operator died. One that still runs is waited for: two migrations at once, or half a
 * one, are worse than a late deploy. Only for the holder of the lease: nobody else's tasks can be there.
 */
export async function clearLeftoverTasks(session: Session): Promise<void> {
  await Promise.all(session.links.map((link) => clearOn(link, session)));
}

async function clearOn({ name: host, docker }: HostLink, session: Session): Promise<void> {
  const { desired, report, signal } = session;
  const labels = [`${LABEL.project}=${desired.project}`, `${LABEL.kind}=task`];
  for (const { Id, Names, State } of await docker.listContainers({ all: true, labels, signal })) {
    const name = (Names[0] ?? Id).replace(/^\//, '');
    try {
      if (State === 'running') {
        const text = `waiting for ${name}, which a deploy that was cut short started (docker stop ${name} there ends it)`;
        report({ kind: 'line', text, from: host });
        await docker.waitContainer(Id, { signal });
      }
      await docker.removeContainer(Id, { force: true, volumes: true, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
