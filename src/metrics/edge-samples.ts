import { type Sample, sample } from './definitions.ts';
import type { AliveNote, ClusterParts, ClusterView } from './view.ts';

/** Samples of every host with the role `edge`. */
export function edgeSamples(view: ClusterView): readonly Sample[] {
  const { hosts, edges, routes, alives, edgeTls } = view;
  if (hosts === undefined || edges === undefined) return [];
  const names = hosts.filter(({ roles }) => roles.includes('edge')).map(({ name }) => name);
  return names.flatMap((edge) => {
    const ack = edges[edge];
    return [
      ...sample('seawall_edge_up', { edge }, ack !== undefined),
      ...(ack === undefined ? [] : [...ackSamples(edge, ack), ...routeSamples(edge, ack, routes)]),
      ...workerSamples(edge, alives?.[edge]?.edge),
      ...tlsSamples(edge, edgeTls?.[edge]),
    ];
  });
}

type Ack = ClusterParts['edges'][string];

function ackSamples(edge: string, { generation, services, problems, lingering }: Ack): readonly Sample[] {
  const addresses = new Set(Object.values(services).flat());
  const left = Object.values(lingering);
  // -1 of an address: nothing is known of it yet.
  const requests = left.reduce((sum, one) => sum + Math.max(0, one.requests), 0);
  const upgraded = left.reduce((sum, one) => sum + Math.max(0, one.upgraded), 0);
  return [
    ...sample('seawall_edge_generation', { edge }, generation),
    ...sample('seawall_edge_addresses', { edge }, addresses.size),
    ...sample('seawall_edge_problems', { edge }, Object.keys(problems).length),
    ...sample('seawall_edge_lingering_addresses', { edge }, left.length),
    ...sample('seawall_edge_lingering_requests', { edge }, requests),
    ...sample('seawall_edge_lingering_upgraded', { edge }, upgraded),
  ];
}

function routeSamples(edge: string, ack: Ack, routes: ClusterView['routes']): readonly Sample[] {
  return Object.entries(routes ?? {}).flatMap(([project, hash]) =>
    sample('seawall_edge_routes_in_force', { edge, project }, ack.routes[project] === hash),
  );
}

function workerSamples(edge: string, status: AliveNote['edge']): readonly Sample[] {
  return [
    ...sample('seawall_edge_old_workers', { edge }, status?.oldWorkers),
    ...sample('seawall_edge_old_worker_bytes', { edge }, status?.oldWorkerBytes),
    ...sample('seawall_edge_cut_sockets_total', { edge }, status?.cutSockets),
  ];
}

function tlsSamples(edge: string, tls: ClusterParts['edgeTls'][string] | undefined): readonly Sample[] {
  if (tls === undefined) return [];
  return [
    ...sample('seawall_edge_certificates', { edge }, Object.keys(tls.certificates).length),
    ...sample('seawall_edge_certificate_problems', { edge }, Object.keys(tls.problems).length),
  ];
}
