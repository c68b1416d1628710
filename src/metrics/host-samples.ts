import { type Sample, sample } from './definitions.ts';
import type { AliveNote, ClusterView, Sign } from './view.ts';

/** Samples of every host of the cluster. */
export function hostSamples(
  { hosts, alives }: ClusterView,
  signs: Readonly<Record<string, Sign>> = {},
): readonly Sample[] {
  if (hosts === undefined || alives === undefined) return [];
  return hosts.flatMap(({ name: host, roles }) => {
    const alive = alives[host];
    const { heardAt, offsetMs } = signs[host] ?? {};
    return [
      ...sample('seawall_host_up', { host }, alive !== undefined),
      ...sample('seawall_host_last_seen_timestamp_seconds', { host }, seconds(heardAt)),
      ...(alive === undefined
        ? []
        : [
            ...sample('seawall_host_clock_offset_seconds', { host }, seconds(offsetMs)),
            ...aliveSamples(host, roles.toSorted().join(','), alive),
          ]),
    ];
  });
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

function aliveSamples(host: string, roles: string, alive: AliveNote): readonly Sample[] {
  const { version, docker, disk, link } = alive;
  return [
    ...sample('seawall_host_info', { host, roles, version, docker }, 1),
    ...sample('seawall_host_disk_size_bytes', { host }, disk.totalBytes),
    ...sample('seawall_host_disk_free_bytes', { host }, disk.freeBytes),
    ...Object.entries(link).flatMap(([peer, health]) =>
      sample('seawall_host_link_up', { host, peer }, health === 'ok'),
    ),
  ];
}
