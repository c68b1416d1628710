import { type ClusterFile, type ClusterHost, linkPort, OWN } from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { findContainer, type HostLink, readClusterFile, readFacts, refuseUnfit } from '../../hosts/index.ts';
import { type AgentImageSource, agentImageName, findImage } from '../../images/index.ts';
import { hostBodies, outdatedContainers, type SetupParts } from './bodies.ts';
import { ruleReasons, withRules } from './edge-rules.ts';
import { metricsReasons, withMetrics } from './metrics-rules.ts';

/**
 * What `machine setup` would still do on a host, as short sentences; empty: nothing. Only looks, and quickly: for every
 * plan and deploy.
 *
 * @throws SeawallError `refused` for a host that cannot be set up.
 */
export function setupReasons(options: {
  readonly config: Pick<Config, 'edge' | 'network' | 'hosts' | 'metrics'>;
  readonly project: string;
  readonly agentSource: AgentImageSource;
  readonly parts: SetupParts;
  /** Hosts of the cluster that there is, also those of other projects. */
  readonly knownHosts: () => Promise<readonly EdgeCandidate[]>;
  readonly signal: AbortSignal;
}): (link: HostLink) => Promise<readonly string[]> {
  const name = agentImageName(options.agentSource);
  return async (link) => {
    const { signal, config, project, parts } = options;
    const file = await readClusterFile(link, { signal });
    if (file === undefined) {
      refuseUnfit(await readFacts(link, { signal }), link.name);
      return ['set up Seawall'];
    }
    const [agent, edge] = await Promise.all([
      findImage(link.docker, await name, { signal }),
      findImage(link.docker, config.edge.image, { signal }),
    ]);
    if (agent === undefined) return ["bring Seawall's agent up to this version"];
    const missing =
      link.roles.includes('edge') && edge === undefined ? [`bring the image ${config.edge.image}`] : [];
    const isStray = !link.roles.includes('edge') && (await findContainer(link.docker, OWN.edge, { signal }));
    const stray = isStray ? ['take the edge away'] : [];
    const other = isOtherLink(config, file) ? [`change the link to ${config.network.link}`] : [];
    const { address, roles, labels } = link;
    const host = { ...file.host, address, roles, labels };
    const { httpPort, rules } = config.edge;
    const ruled = withMetrics(withRules(file, rules), config.metrics);
    const wanted: ClusterFile = { ...ruled, host, httpPort };
    const bodies = await hostBodies(link, wanted, { agent: agent.Id, edge: edge?.Id }, parts);
    const outdated = await outdatedContainers(link.docker, bodies, signal);
    return [
      ...missing,
      ...stray,
      ...other,
      ...ruleReasons(file, config.edge, project),
      ...metricsReasons(file, config.metrics, project),
      ...outdated.map((own) => `start ${own.replace(/^seawall-/, '')} anew`),
      ...(missing.length > 0 || outdated.includes(OWN.edge) ? await gapReasons(link, options) : []),
    ];
  };
}

type EdgeCandidate = Pick<ClusterHost, 'name' | 'roles'>;

/** The cluster's hosts once those of the configuration are set up. */
export const hostsToBe = (
  known: readonly EdgeCandidate[],
  configured: readonly EdgeCandidate[],
): readonly EdgeCandidate[] => [
  ...known.filter(({ name }) => !configured.some((host) => host.name === name)),
  ...configured,
];

/** Whether a host is the only one that takes requests from outside. */
export const isOnlyEdge = (hosts: readonly EdgeCandidate[], name: string): boolean => {
  const edges = hosts.filter(({ roles }) => roles.includes('edge'));
  return edges.length === 1 && edges[0]?.name === name;
};

/** Several edges are replaced one after the other; of a cluster's single one the gap is announced. */
async function gapReasons(
  link: HostLink,
  {
    config,
    knownHosts,
    signal,
  }: Pick<Parameters<typeof setupReasons>[0], 'config' | 'knownHosts' | 'signal'>,
): Promise<readonly string[]> {
  if (!isOnlyEdge(hostsToBe(await knownHosts(), config.hosts), link.name)) return [];
  const running = (await findContainer(link.docker, OWN.edge, { signal }))?.State.Running;
  return running === true ? [EDGE_GAP] : [];
}

const EDGE_GAP =
  'it is the only edge: while nginx is replaced, no connection is accepted, for about a second after requests under way have ended';

/** `auto` is satisfied by whatever was settled once. */
function isOtherLink({ network, hosts }: Pick<Config, 'network' | 'hosts'>, file: ClusterFile): boolean {
  const { link, port } = network;
  if (link === 'auto' || link === 'none' || hosts.length < 2) return false;
  return link !== file.link || (port !== undefined && port !== linkPort(file));
}
