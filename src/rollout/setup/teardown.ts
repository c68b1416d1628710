import { HOST_PATH, OWN } from '../../cluster.ts';
import { type HostLink, isNotFound, runHelper, writeHostFiles } from '../../hosts/index.ts';
import { LABEL } from '../../labels.ts';

/**
 * Takes Seawall's interfaces, and its chains out of the tables of both iptables variants where they stand; each table
 * in one go.
 */
const cleanScript = `
const { spawnSync } = require('node:child_process');
const run = (program, args, input) => spawnSync(program, args, { input, encoding: 'utf8' });
for (const variant of ['iptables-nft', 'iptables-legacy']) {
  const lines = (run(variant + '-save', []).stdout || '').split('\\n');
  let table = '';
  const steps = {};
  for (const line of lines) {
    if (line.startsWith('*')) table = line;
    const chain = /^:(SEAWALL-\\S+)/.exec(line)?.[1];
    const isJump = /^-A (?!SEAWALL-).* -j SEAWALL-/.test(line);
    const step = (steps[table] ??= { jumps: [], chains: [] });
    if (isJump) step.jumps.push(line.replace(/^-A/, '-D'));
    if (chain !== undefined) step.chains.push(chain);
  }
  for (const [name, { jumps, chains }] of Object.entries(steps)) {
    if (chains.length === 0) continue;
    const input = [name, ...jumps, ...chains.map((c) => '-F ' + c), ...chains.map((c) => '-X ' + c), 'COMMIT', ''].join('\\n');
    const { status, stderr } = run(variant + '-restore', ['--noflush'], input);
    if (status !== 0) throw new Error(variant + ': ' + stderr);
  }
}
run('ip', ['link', 'delete', '${OWN.link}']);
`;

/**
 * Removes Seawall from a host: its containers, its networks, its rules and interfaces, its files. Containers of
 * projects go too when `projects` says so; their volumes stay. Safe to repeat.
 */
export async function teardownHost(
  link: HostLink,
  options: { readonly projects: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { docker } = link;
  const { signal } = options;
  const containers = await docker.listContainers({ all: true, signal });
  const agent = containers.find(({ Names }) =>
    [OWN.agent, OWN.server].some((name) => Names.includes(`/${name}`)),
  );
  const own = containers.filter(({ Labels }) => LABEL.cluster in Labels && isOwn(Labels[LABEL.kind]));
  const ours = options.projects ? containers.filter(({ Labels }) => LABEL.project in Labels) : [];
  for (const { Id } of [...ours, ...own]) {
    await ignoreMissing(docker.removeContainer(Id, { force: true, volumes: true, signal }));
  }
  const networks = await docker.listNetworks({ filters: { label: [LABEL.network] }, signal });
  for (const { Id } of networks) await ignoreMissing(docker.removeNetwork(Id, { signal })).catch(() => {});
  if (agent !== undefined) {
    const hostConfig = { NetworkMode: 'host', CapAdd: ['NET_ADMIN', 'NET_RAW'], Tmpfs: { '/run': '' } };
    await runHelper(docker, cleanScript, { image: agent.ImageID, signal, hostConfig });
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
