import { type HostLink, runHelper } from '../../hosts/index.ts';
import { LABEL } from '../../labels.ts';
import { blockOf } from '../../ranges.ts';
import { type ListedRoute, type Occupied, occupiedByRoutes } from './decide-range.ts';

/** Every table: a VPN often has one of its own. */
const routesScript = `
const { spawnSync } = require('node:child_process');
const { stdout } = spawnSync('ip', ['-4', '-j', 'route', 'show', 'table', 'all'], { encoding: 'utf8' });
process.stdout.write(stdout || '[]');
`;

/** Addresses that a host's routes, interfaces, Docker networks and Docker's pools use. Changes nothing. */
export async function occupiedOn(
  { docker }: HostLink,
  image: string,
  signal: AbortSignal,
): Promise<readonly Occupied[]> {
  const hostConfig = { NetworkMode: 'host' };
  const [routes, networks, info] = await Promise.all([
    runHelper(docker, routesScript, { image, signal, hostConfig }),
    docker.listNetworks({ signal }),
    docker.info({ signal }),
  ]);
  return [
    ...occupiedByRoutes(JSON.parse(routes) as ListedRoute[]),
    ...networks
      .filter(({ Labels }) => Labels?.[LABEL.network] === undefined)
      .flatMap(({ Name, IPAM }) =>
        subnets(IPAM?.Config).map((cidr) => ({ cidr, what: `Docker's network ${Name} (${cidr})` })),
      ),
    ...(info.DefaultAddressPools ?? []).map(({ Base }) => ({
      cidr: Base,
      what: `the address pool ${Base} of Docker's daemon.json`,
    })),
  ]
    .filter(({ cidr }) => !cidr.includes(':'))
    .map(({ cidr, what }) => ({ cidr: blockOf(cidr), what }));
}

const subnets = (config: readonly { readonly Subnet?: string }[] | null | undefined): string[] =>
  (config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet]));
