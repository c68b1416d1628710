import { HOST_PATH, OWN } from '../../cluster.ts';
import { type HostLink, isNotFound, writeHostFiles } from '../../hosts/index.ts';
import { LABEL } from '../../labels.ts';

/** The agent's own program takes the interfaces, rules and chains away again. */
const cleanCommand = ['node', '/opt/seawall/agent.js', 'clean'];

/**
 * Removes Seawall from a host: its containers, its networks, its files. Containers of projects go too when `projects`
 * says so; their volumes stay. Safe to repeat.
 */
export async function teardownHost(
  link: HostLink,
  options: { readonly projects: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { docker } = link;
  const { signal } = options;
  const containers = await docker.listContainers({ all: true, signal });
  const agent = containers.find(({ Names }) => Names.includes(`/${OWN.agent}`));
  if (agent?.State === 'running') await docker.exec(OWN.agent, cleanCommand, { signal }).catch(() => {});
  const own = containers.filter(({ Labels }) => LABEL.cluster in Labels && isOwn(Labels[LABEL.kind]));
  const ours = options.projects ? containers.filter(({ Labels }) => LABEL.project in Labels) : [];
  for (const { Id } of [...ours, ...own]) {
    await ignoreMissing(docker.removeContainer(Id, { force: true, volumes: true, signal }));
  }
  const networks = await docker.listNetworks({ filters: { label: [LABEL.network] }, signal });
  for (const { Id } of networks) await ignoreMissing(docker.removeNetwork(Id, { signal })).catch(() => {});
  if (agent !== undefined) {
    const remove = [HOST_PATH.config, HOST_PATH.state];
    await writeHostFiles(docker, { remove }, { image: agent.ImageID, signal });
  }
}

const isOwn = (kind: string | undefined) => kind === 'agent' || kind === 'server' || kind === 'edge';

async function ignoreMissing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
