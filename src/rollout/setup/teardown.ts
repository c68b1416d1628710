import { HOST_PATH, OWN } from '../../cluster.ts';
import { goneIsFine, type HostLink, runHelper, writeHostFiles } from '../../hosts/index.ts';
import { agentImagesOn, STAGING_VOLUME } from '../../images/index.ts';
import { LABEL } from '../../labels.ts';
import { findClusterFile } from './find-cluster.ts';

/**
 * Takes Seawall's interface and the route that ends its range, and its chains out of the tables of both iptables
 * variants where they stand; each table in one go. Reads `{ range }` from its input.
 */
const cleanScript = `
const { spawnSync } = require('node:child_process');
const { range } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
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
if (range !== undefined) run('ip', ['route', 'delete', 'unreachable', range]);
`;

/** Milliseconds for requests that an edge is answering, and for the agent to end its session. */
const STOP_GRACE_MS = 15_000;

/**
 * Removes Seawall from a host: its containers, its networks, its rules and interfaces, its files. Containers of
 * projects go too when `projects` says so; their volumes stay, and so do images. Safe to repeat.
 * @throws SeawallError `docker` when a container that stays is still in one of the networks.
 */
export async function teardownHost(
  link: HostLink,
  options: { readonly projects: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { docker } = link;
  const { signal } = options;
  const file = await findClusterFile(link, signal);
  const containers = await docker.listContainers({ all: true, signal });
  const own = ownContainers(containers);
  const ours = options.projects ? containers.filter(({ Labels }) => LABEL.project in Labels) : [];
  const image = own.find(({ Labels }) => Labels[LABEL.kind] !== 'edge')?.ImageID;
  await Promise.all(
    ours.map(async ({ Id }) => {
      await goneIsFine(docker.stopContainer(Id, STOP_GRACE_MS, { signal }));
      await goneIsFine(docker.removeContainer(Id, { force: true, volumes: true, signal }));
    }),
  );
  for (const { Id } of own) {
    await goneIsFine(docker.stopContainer(Id, STOP_GRACE_MS, { signal }));
    await goneIsFine(docker.removeContainer(Id, { force: true, volumes: true, signal }));
  }
  const networks = await docker.listNetworks({ filters: { label: [LABEL.network] }, signal });
  for (const { Id } of networks) await goneIsFine(docker.removeNetwork(Id, { signal }));
  await goneIsFine(docker.removeVolume(STAGING_VOLUME, { signal }));
  const helper = image ?? (await agentImagesOn(docker, { signal }))[0];
  if (helper === undefined) return;
  const hostConfig = { NetworkMode: 'host', CapAdd: ['NET_ADMIN', 'NET_RAW'], Tmpfs: { '/run': '' } };
  const input = JSON.stringify({ range: file?.range });
  await runHelper(docker, cleanScript, { image: helper, signal, hostConfig, input });
  // Last: the file says what else there is to remove, should this be cut short.
  const remove = [HOST_PATH.state, HOST_PATH.config];
  await writeHostFiles(docker, { remove }, { image: helper, signal });
}

/** In the order in which they stop: the agent says good-bye to the catalog, which the server may be. */
const OWN_KINDS = ['edge', 'agent', 'link', 'server'];

/** Seawall's own containers among those of a host, in the order in which they are to be stopped. */
export function ownContainers<C extends { readonly Labels: Readonly<Record<string, string>> }>(
  containers: readonly C[],
): readonly C[] {
  const rank = ({ Labels }: C) => OWN_KINDS.indexOf(Labels[LABEL.kind] ?? '');
  return containers
    .filter((each) => LABEL.cluster in each.Labels && rank(each) !== -1)
    .sort((a, b) => rank(a) - rank(b));
}
