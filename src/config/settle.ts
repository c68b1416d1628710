import { posix } from 'node:path';
import { type Node, placeAt } from '../compose/index.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { isPrivateAddress } from '../ranges.ts';
import { parseBytes } from '../units.ts';
import type { Config, HostConfig } from './config.ts';
import { settleEdgeRules } from './edge-rules.ts';
import { settleMetrics } from './metrics-rules.ts';
import type { ConfigInput } from './schema.ts';
import { writtenSettings } from './written-settings.ts';

const DEFAULTS = {
  edgeImage: 'nginx:1.30',
  httpPort: 80,
  baseImage: 'node:24-slim',
  releases: 5,
} as const;

/** The host of a project that names none: the Docker of this machine. */
const LOCAL: HostConfig = { name: 'local', address: '127.0.0.1', roles: ['app', 'edge'], labels: {} };

/** seawall.yml with its defaults filled in, and what its parts make impossible together. */
export function settleConfig(
  input: ConfigInput,
  root: Node,
): { readonly config: Omit<Config, 'certificates'>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const hosts = settleHosts(input, root, problems);
  const link = input.network?.link ?? 'auto';
  if (link === 'none' && hosts.length > 1) {
    problems.push(
      problemAt(
        placeAt(root, ['network', 'link']),
        ['network', 'link'],
        'several hosts need a link',
        'Write "link: auto", or remove the line.',
      ),
    );
  }
  const { range, port } = input.network ?? {};
  if (range !== undefined && !range.endsWith('/12')) {
    problems.push(
      problemAt(
        placeAt(root, ['network', 'range']),
        ['network', 'range'],
        'the range must be a /12',
        'Such as 10.208.0.0/12.',
      ),
    );
  }
  const httpPort = input.edge?.http_port ?? DEFAULTS.httpPort;
  const { rules, problems: edgeProblems } = settleEdgeRules(input, httpPort, root);
  const metrics = settleMetrics(input, { httpPort, httpsPort: rules.httpsPort }, root);
  problems.push(...edgeProblems, ...metrics.problems);
  const config: Omit<Config, 'certificates'> = {
    ...(root.place.source.text === '' ? {} : { file: root.place.source.path }),
    hosts,
    ...(input.ssh_config === undefined
      ? {}
      : { sshConfig: resolveAt(root, ['ssh_config'], input.ssh_config) }),
    network: {
      link: link === 'auto' && hosts.length === 1 ? 'none' : link,
      ...(range === undefined ? {} : { range }),
      ...(port === undefined ? {} : { port }),
    },
    edge: {
      image: input.edge?.image ?? DEFAULTS.edgeImage,
      httpPort,
      rules,
    },
    ...(metrics.rules === undefined ? {} : { metrics: metrics.rules }),
    written: writtenSettings(input),
    agent: {
      baseImage: input.agent?.base_image ?? DEFAULTS.baseImage,
      ...(input.agent?.build_network === undefined ? {} : { buildNetwork: input.agent.build_network }),
    },
    keep: settleKeep(input.keep),
  };
  return { config, problems };
}

function settleKeep(keep: ConfigInput['keep']): Config['keep'] {
  const diskBytes = keep?.disk === undefined ? undefined : parseBytes(`${keep.disk}`);
  return {
    releases: keep?.releases ?? DEFAULTS.releases,
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

/** VXLAN is not encrypted: between public addresses anybody on the way reads and writes it. */
function publicAddresses(input: ConfigInput, root: Node): Problem[] {
  const hosts = Object.entries(input.hosts ?? {});
  if (hosts.length < 2 || input.network?.link !== 'vxlan') return [];
  return hosts.flatMap(([name, { address }]) => {
    if (address === undefined || isPrivateAddress(address)) return [];
    const path = ['hosts', name, 'address'];
    const text = `${address} is a public address, and VXLAN does not encrypt what the hosts send each other`;
    const remedy =
      "Write network: { link: wireguard }, or the host's address in a network that only your servers share.";
    return [problemAt(placeAt(root, path), path, text, remedy)];
  });
}

/** A path relative to the seawall.yml that it stands in. */
export function resolveAt(root: Node, path: KeyPath, written: string): string {
  return posix.resolve(posix.dirname(placeAt(root, path).source.path), written);
}

function settleHosts(input: ConfigInput, root: Node, problems: Problem[]): readonly HostConfig[] {
  const written = Object.entries(input.hosts ?? {});
  if (written.length === 0) return [LOCAL];
  const report = (path: KeyPath, text: string, remedy: string) =>
    problems.push(problemAt(placeAt(root, path, 'key'), path, text, remedy));
  const hosts = written.map(([name, host]) => {
    if (host.address === undefined && written.length > 1) {
      report(
        ['hosts', name],
        'the host has no "address"',
        'Add "address:" with the IPv4 address at which the other hosts reach it.',
      );
    }
    const ssh = host.ssh === undefined ? {} : { ssh: host.ssh };
    return {
      name,
      ...ssh,
      address: host.address ?? '127.0.0.1',
      roles: host.roles ?? (['app', 'edge'] as const),
      labels: host.labels ?? {},
    };
  });
  for (const key of ['address', 'ssh'] as const) {
    for (const [index, host] of hosts.entries()) {
      const twin = hosts.slice(0, index).find((other) => host[key] !== undefined && other[key] === host[key]);
      const isGiven = input.hosts?.[host.name]?.[key] !== undefined;
      if (twin !== undefined && isGiven)
        report(
          ['hosts', host.name, key],
          `"${twin.name}" has the same ${key}`,
          'Every host is a machine of its own.',
        );
    }
  }
  problems.push(...publicAddresses(input, root));
  for (const role of ['app', 'edge'] as const) {
    if (role === 'edge' && Object.keys(input.routes ?? {}).length === 0) continue;
    if (!hosts.some((host) => (host.roles as readonly string[]).includes(role))) {
      report(['hosts'], `no host has the role "${role}"`, `Add "${role}" to the roles of one.`);
    }
  }
  return hosts;
}
