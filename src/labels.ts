/** Docker labels that Seawall writes on what it makes. A container without `seawall.project` is not Seawall's. */
export const LABEL = {
  /** Cluster id. */
  cluster: 'seawall.cluster',
  project: 'seawall.project',
  service: 'seawall.service',
  /** Replica number within the service, from 1. */
  replica: 'seawall.replica',
  /** Release number that created the container. */
  release: 'seawall.release',
  /** Hash of everything that makes two containers differ; equal hash: nothing to do. */
  config: 'seawall.config',
  /** `replica`, `task`, `oneoff`, or one of Seawall's own: `agent`, `server`, `edge`, `link`. */
  kind: 'seawall.kind',
  /** JSON of the service's HealthRule. */
  health: 'seawall.health',
  /** JSON of the service's `pre_stop` hooks: a replica is stopped as it was made to be. */
  preStop: 'seawall.pre-stop',
  /** JSON: by network name, the names that the replica answers to. */
  names: 'seawall.names',
  /** JSON: `{"published/protocol": ["cidr", …]}` of ports open to others than this host. */
  expose: 'seawall.expose',
  /** JSON: the service's own `dns`, which Seawall's resolver asks on its behalf. */
  dns: 'seawall.dns',
  /** Port the replica serves routes on, when it has a route. */
  port: 'seawall.port',
  /** JSON: `{"domain/path": port}` of the routes to the service when the replica was made. */
  routes: 'seawall.routes',
  /** Id of the certificate whose folder the replica mounts. */
  certificate: 'seawall.certificate',
  /** On Docker networks: Compose network name. */
  network: 'seawall.network',
} as const;
