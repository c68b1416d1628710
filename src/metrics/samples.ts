import { authoritySamples } from './authority-samples.ts';
import { certificateSamples } from './certificate-samples.ts';
import { type Sample, sample } from './definitions.ts';
import { edgeSamples } from './edge-samples.ts';
import { hostSamples } from './host-samples.ts';
import { serviceSamples } from './service-samples.ts';
import type { ClusterView, OwnView } from './view.ts';

/**
 * Everything that is known, as samples. While the catalog does not answer nothing of the cluster is said: what it last said
 * may be true no more, and an alert on it would sleep.
 * @param now milliseconds since the epoch.
 */
export function samplesOf(view: ClusterView, own: OwnView, now: number): readonly Sample[] {
  return [
    ...ownSamples(own),
    ...(own.isCatalogUp
      ? [
          ...certificateSamples(view),
          ...authoritySamples(view, now),
          ...hostSamples(view, own.signs),
          ...edgeSamples(view),
          ...serviceSamples(view),
        ]
      : []),
  ];
}

function ownSamples({
  version,
  node,
  isCatalogUp,
  catalog,
  index,
  parts = {},
  host,
}: OwnView): readonly Sample[] {
  return [
    ...sample('seawall_build_info', { version, node }, 1),
    ...sample('seawall_catalog_up', {}, isCatalogUp),
    ...(catalog === undefined
      ? []
      : sample('seawall_catalog_info', { host: catalog.host, epoch: `${catalog.epoch}` }, 1)),
    ...(isCatalogUp ? [...sample('seawall_catalog_index', {}, index), ...partSamples(parts)] : []),
    ...(host === undefined ? [] : hostOwnSamples(host)),
  ];
}

const partSamples = (parts: Readonly<Record<string, boolean>>): readonly Sample[] =>
  Object.entries(parts).flatMap(([part, isRead]) => sample('seawall_metrics_part_up', { part }, isRead));

function hostOwnSamples({ name: host, problems, snapshot }: NonNullable<OwnView['host']>): readonly Sample[] {
  const taken = snapshot === undefined ? undefined : snapshot.writtenMs / 1000;
  return [
    ...Object.entries(problems).flatMap(([part, isWrong]) =>
      sample('seawall_server_problem', { host, part }, isWrong),
    ),
    ...sample('seawall_catalog_snapshot_timestamp_seconds', { host }, taken),
    ...sample('seawall_catalog_snapshot_index', { host }, snapshot?.index),
  ];
}
