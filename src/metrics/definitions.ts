/** Every metric by its name: what an alert may rely on. Names and labels are only added within a major version. */

export interface Definition {
  readonly help: string;
  readonly labels: readonly string[];
  /** Default `gauge`. */
  readonly type?: 'counter';
}

export const METRICS = {
  seawall_build_info: { labels: ['version', 'node'], help: 'Always 1: versions of Seawall and of Node.' },
  seawall_server_problem: {
    labels: ['host', 'part'],
    help: '1 while a part of this seawall-server (names, catalog) does not do its work.',
  },
  seawall_catalog_up: {
    labels: [],
    help: '1 while the catalog answers this host; 0: what is known of the cluster is left out.',
  },
  seawall_catalog_info: {
    labels: ['host', 'epoch'],
    help: 'Always 1: the host that has the catalog, and which place of it that is, counted from 1.',
  },
  seawall_metrics_part_up: {
    labels: ['part'],
    help: '1 when a part of what the catalog holds could be read; 0: its metrics are missing or old, the log says why.',
  },
  seawall_catalog_index: { labels: [], help: 'Highest index that the catalog has told of a change.' },
  seawall_catalog_snapshot_timestamp_seconds: {
    labels: ['host'],
    help: 'When this host last wrote a snapshot of the catalog.',
  },
  seawall_catalog_snapshot_index: { labels: ['host'], help: 'Index of the newest snapshot on this host.' },

  seawall_certificate_info: {
    labels: ['certificate', 'names', 'purpose', 'source', 'issuer', 'projects'],
    help: 'Always 1: names, where it is to come from (acme, internal, files), who issued what is served, who wants it.',
  },
  seawall_certificate_served: {
    labels: ['certificate'],
    help: '1 when there is a certificate that edges can serve; 0: nothing yet.',
  },
  seawall_certificate_interim: {
    labels: ['certificate'],
    help: '1 while the private CA stands in for the issuer that is wanted.',
  },
  seawall_certificate_not_before_timestamp_seconds: {
    labels: ['certificate'],
    help: 'When what is served begins to be valid.',
  },
  seawall_certificate_not_after_timestamp_seconds: {
    labels: ['certificate'],
    help: 'When what is served ends; of two kinds of key the earlier.',
  },
  seawall_certificate_renewal_timestamp_seconds: {
    labels: ['certificate'],
    help: 'When it is to be renewed.',
  },
  seawall_certificate_next_try_timestamp_seconds: {
    labels: ['certificate'],
    help: 'Before when no further order is made, after a failure.',
  },
  seawall_certificate_failures: { labels: ['certificate'], help: 'Failed orders in a row.' },
  seawall_certificate_last_error_timestamp_seconds: {
    labels: ['certificate', 'issuer'],
    help: 'When the last order failed; there until one succeeds.',
  },
  seawall_certificate_warnings: {
    labels: ['certificate'],
    help: 'What was noticed before the last order, such as DNS that leads elsewhere.',
  },
  seawall_certificate_missing_edges: {
    labels: ['certificate'],
    help: 'Edges that do not have it in force, of those that should.',
  },
  seawall_certificate_missing_hosts: {
    labels: ['certificate'],
    help: 'Hosts that keep another one for a service or in a folder, or whose containers serve with the one before.',
  },
  seawall_certificates_leader: {
    labels: ['host'],
    help: 'Always 1: the host that orders certificates at the moment.',
  },

  seawall_ca_info: { labels: ['name'], help: 'Always 1: name of the private CA.' },
  seawall_ca_not_after_timestamp_seconds: {
    labels: ['level'],
    help: 'When the root and the intermediate of the private CA end.',
  },
  seawall_ca_crl_next_update_timestamp_seconds: {
    labels: [],
    help: "Until when clients take the private CA's revocation list.",
  },
  seawall_ca_issued: {
    labels: ['purpose', 'state'],
    help: 'Certificates of the private CA: valid, revoked, expired (for 30 days), or of a CA that was replaced.',
  },
  seawall_ca_issued_not_after_timestamp_seconds: {
    labels: ['serial', 'name', 'purpose'],
    help: 'When a certificate ends that nobody renews by itself (not of a route): those of the next 30 days, or that just ended.',
  },

  seawall_host_up: { labels: ['host'], help: "1 while the host's agent shows signs of life." },
  seawall_host_info: {
    labels: ['host', 'roles', 'version', 'docker'],
    help: 'Always 1: roles, versions of Seawall and of Docker.',
  },
  seawall_host_last_seen_timestamp_seconds: {
    labels: ['host'],
    help: 'When a sign of life was last heard, by the clock of the host that is asked.',
  },
  seawall_host_clock_offset_seconds: {
    labels: ['host'],
    help: "The host's clock minus that of the host that is asked, up to about a second.",
  },
  seawall_host_disk_size_bytes: {
    labels: ['host'],
    help: "Of the fuller one of the disks with Docker's images and with Seawall's state.",
  },
  seawall_host_disk_free_bytes: { labels: ['host'], help: 'Free bytes of that disk.' },
  seawall_host_link_up: {
    labels: ['host', 'peer'],
    help: '1 when small and full packets get from the host to the peer and back.',
  },

  seawall_edge_up: {
    labels: ['edge'],
    help: '1 while the edge says what it has in force; 0: its agent or nginx was never there, or is gone.',
  },
  seawall_edge_generation: {
    labels: ['edge'],
    help: 'Number of the nginx configuration in force; each reload is a new one.',
  },
  seawall_edge_routes_in_force: {
    labels: ['edge', 'project'],
    help: "1 when the edge serves the project's routes exactly as they stand in the catalog.",
  },
  seawall_edge_addresses: { labels: ['edge'], help: 'Addresses of replicas that get requests.' },
  seawall_edge_problems: {
    labels: ['edge'],
    help: 'Reasons why the edge leaves out a replica or a route.',
  },
  seawall_edge_lingering_addresses: {
    labels: ['edge'],
    help: 'Addresses that get no new requests, but that old nginx workers may still use.',
  },
  seawall_edge_lingering_requests: { labels: ['edge'], help: 'Requests that may be under way to those.' },
  seawall_edge_lingering_upgraded: { labels: ['edge'], help: 'Upgraded connections (WebSocket) to those.' },
  seawall_edge_old_workers: {
    labels: ['edge'],
    help: 'nginx workers of earlier configurations, as of the last sign of life.',
  },
  seawall_edge_old_worker_bytes: { labels: ['edge'], help: 'Memory that those hold.' },
  seawall_edge_cut_sockets_total: {
    labels: ['edge'],
    type: 'counter',
    help: 'Connections of clients that were cut because there were too many old workers.',
  },
  seawall_edge_certificates: { labels: ['edge'], help: 'Certificates in force.' },
  seawall_edge_certificate_problems: {
    labels: ['edge'],
    help: 'Certificates that the edge could not put in force.',
  },

  seawall_service_replicas: {
    labels: ['project', 'service', 'state'],
    help: 'Replicas by state: healthy, unhealthy, draining, or lost (on a host without a sign of life).',
  },
  seawall_service_replicas_wanted: {
    labels: ['project', 'service'],
    help: 'Replicas that the release in force asks for; none for one on every host.',
  },
  seawall_release_number: { labels: ['project'], help: 'The release in force.' },
  seawall_release_mixed: {
    labels: ['project'],
    help: '1 when the newest release runs beside the one before it.',
  },
  seawall_rollout_running: {
    labels: ['project'],
    help: '1 while a rollout is under way, or after one whose operator was killed.',
  },
  seawall_rollout_requests: {
    labels: ['project', 'edge'],
    help: 'Requests that the edge counted in the last rollout.',
  },
  seawall_rollout_failed_requests: {
    labels: ['project', 'edge'],
    help: 'Of those: answered 5xx, or by no replica.',
  },
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof METRICS;

/** One value. */
export interface Sample {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>;

/** A value, or none where it is not known: what is not known is left out rather than invented. */
export function sample<N extends MetricName>(
  name: N,
  labels: LabelsOf<N>,
  value: number | boolean | undefined,
): readonly Sample[] {
  const number = Number(value);
  return value === undefined || Number.isNaN(number) ? [] : [{ name, labels, value: number }];
}

/** Seconds since the epoch of an ISO time; undefined for none. */
export const secondsOf = (iso: string | undefined): number | undefined =>
  iso === undefined ? undefined : Date.parse(iso) / 1000;
