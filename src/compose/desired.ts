import type { ReloadSignal } from '../kept-certificate.ts';

/**
 * What a project should be, resolved from its Compose files and seawall.yml: the value that the
 * planner compares with what the hosts run. JSON-serialisable, sorted, without defaults left open.
 */
export interface Desired {
  /** Compose project name; prefixes everything the project owns. */
  readonly project: string;
  /** By service name. Services outside the active profiles are absent. */
  readonly services: Readonly<Record<string, DesiredService>>;
  /** By Compose network name; a project without `networks:` has `default`. */
  readonly networks: Readonly<Record<string, DesiredNetwork>>;
  /** By Compose volume name. */
  readonly volumes: Readonly<Record<string, DesiredVolume>>;
  /** Sorted by domain, then by path. */
  readonly routes: readonly DesiredRoute[];
  /** Certificates that routes and services need, sorted by id; absent in releases of before HTTPS: none. */
  readonly certificates?: readonly DesiredCertificate[];
  /**
   * SHA-256 → text of what certificates need in secret: keys, tokens, scripts. Never in a plan, a view or a log; releases
   * are sealed as a whole, and the catalog gets it sealed.
   */
  readonly certificateSecrets?: Readonly<Record<string, string>>;
  /** Files and small trees that are sent to the hosts by content hash: binds, configs, secrets. By hash. */
  readonly contents: Readonly<Record<string, DesiredContent>>;
  /** What Seawall understood differently from plain Compose; shown by the plan. */
  readonly notices: readonly Notice[];
}

/** One remark on how a key was translated, with its place. */
export interface Notice {
  /** Such as `services.db.ports[0]`. */
  readonly path: string;
  readonly text: string;
  /** file:line:column */
  readonly where: string;
}

export interface DesiredService {
  readonly name: string;
  /** Reference to run: `image:` as written, or the name made for a build (`seawall/PROJECT-SERVICE:SOURCEHASH`). */
  readonly image: string;
  /** Present when Seawall builds the image; `image` then carries the hash of its sources as tag. */
  readonly build?: DesiredBuild;
  /** Such as `linux/amd64`; absent when the file does not say. */
  readonly platform?: string;
  /** `always`, `missing` (default) or `never`, as Compose's `pull_policy`. */
  readonly pull: 'always' | 'missing' | 'never' | 'build';
  /** `replica`: kept running. `task`: another service waits for its successful end; run once per deploy. */
  readonly kind: 'replica' | 'task';
  readonly replicas: number;
  /** `deploy.mode: global`: one replica on every host that may run it; `replicas` is 1 and says nothing. */
  readonly isGlobal?: true;
  /** Settings as the Engine API takes them, without image, networks, mounts, ports and Seawall's labels. */
  readonly container: ContainerSettings;
  /** Programs that a deploy runs in a replica right after it started (`post_start`). */
  readonly postStart?: readonly Hook[];
  /** Programs that a deploy runs in a replica that got its last request, before SIGTERM (`pre_stop`). */
  readonly preStop?: readonly Hook[];
  /** How Seawall learns that a replica is well. */
  readonly health: HealthRule;
  readonly mounts: readonly DesiredMount[];
  readonly ports: readonly DesiredPort[];
  /** By network name; never empty. Aliases are the extra names; the service name always counts. */
  readonly networks: Readonly<Record<string, { readonly aliases: readonly string[] }>>;
  readonly dependsOn: Readonly<Record<string, Dependency>>;
  readonly placement: DesiredPlacement;
  readonly update: UpdateRule;
  readonly rollback: UpdateRule;
  /** Milliseconds between "no new requests" and SIGTERM at the most (`x-seawall.drain`, default 30000). */
  readonly drainMs: number;
  /** Milliseconds between SIGTERM and SIGKILL (`stop_grace_period`, default 10000). */
  readonly stopGraceMs: number;
}

/** One program that is run in a replica. */
export interface Hook {
  readonly command: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly isPrivileged?: true;
  /** `NAME=value`, sorted. */
  readonly env?: readonly string[];
}

export interface DesiredBuild {
  /** Absolute path of the context. */
  readonly context: string;
  /** Path of the Dockerfile relative to the context (or absolute). */
  readonly dockerfile: string;
  readonly dockerfileInline?: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Network of RUN steps, such as `host`. */
  readonly network?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly extraHosts: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly platforms: readonly string[];
  readonly shmBytes?: number;
  /** Further contexts by name: folders of this machine, or addresses that BuildKit reads. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Files that RUN steps may mount, sorted by id. */
  readonly secrets?: readonly BuildSecret[];
  /** `default`, or `ID=PATH` of a key or an agent's socket. */
  readonly ssh?: readonly string[];
  readonly cacheTo?: readonly string[];
  /** Limits of RUN steps: `NAME=SOFT:HARD`, sorted. */
  readonly ulimits?: readonly string[];
  /** Names to give to the built image besides Seawall's own. */
  readonly tags: readonly string[];
  /** sha256 over the files of the context that `.dockerignore` leaves in, the Dockerfile and every option here. */
  readonly sourceHash: string;
  /** Host that builds, when the operator's machine must not or cannot. */
  readonly on?: string;
}

/** One of `source` (an absolute path) and `text` is there. Its value decides nothing about the image's name. */
export interface BuildSecret {
  readonly id: string;
  readonly source?: string;
  readonly text?: string;
}

/** The part of Engine API's `POST /containers/create` body that Compose keys decide. Field names are Docker's. */
export interface ContainerSettings {
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  /** `NAME=value`, sorted by name. */
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly StopSignal?: string;
  /** Durations in nanoseconds, as the Engine takes them. `Test: ["NONE"]` switches the image's check off. */
  readonly Healthcheck?: {
    readonly Test?: readonly string[];
    readonly Interval?: number;
    readonly Timeout?: number;
    readonly StartPeriod?: number;
    readonly StartInterval?: number;
    readonly Retries?: number;
  };
  /** Engine API HostConfig: RestartPolicy, CapAdd, Memory, NanoCpus, Tmpfs, Ulimits, LogConfig, … */
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

/**
 * - `docker`: the service or its image has a HEALTHCHECK (an image's own is only known from the image: `http`,
 *   `tcp` and `running` give way to it).
 * - `http`: GET `path` on `port` answers below 500, three in a row.
 * - `tcp`: `port` accepts a connection.
 * - `running`: does not restart for `monitorMs`.
 */
export type HealthRule =
  | { readonly kind: 'docker' }
  | { readonly kind: 'http'; readonly port: number; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'running' };

export type DesiredMount =
  | {
      readonly kind: 'volume';
      /** Compose volume name, a key of {@link Desired.volumes}. */
      readonly volume: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly subpath?: string;
      readonly noCopy?: boolean;
    }
  | {
      readonly kind: 'content';
      /** A key of {@link Desired.contents}; always mounted read-only. */
      readonly hash: string;
      readonly target: string;
    }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly sizeBytes?: number; readonly mode?: number }
  /** A volume without a name: new with every container. */
  | { readonly kind: 'anonymous'; readonly target: string }
  /** The folder in which the host's agent keeps the service's certificate; read-only, in replicas alone. */
  | {
      readonly kind: 'certificate';
      /** One of {@link Desired.certificates}. */
      readonly id: string;
      /** That it is for: replicas are replaced when they change, so that none serves with others than its route asks for. */
      readonly names: readonly string[];
      readonly target: string;
      /** Of the key; absent: of the user that the container runs as. */
      readonly uid?: number;
      readonly gid?: number;
      /** Sent to the replicas when the files are new; absent: nothing is. */
      readonly reload?: ReloadSignal;
    };

export interface DesiredContent {
  readonly hash: string;
  readonly kind: 'file' | 'tree';
  /** Absolute path on the operator's machine, or absent when `text` holds the content. */
  readonly source?: string;
  /** Content given in the file itself (`configs.NAME.content`, `environment`). */
  readonly text?: string;
  /** Octal file mode, uid and gid for a single file; a tree keeps its modes and belongs to root. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** A secret's text and source never appear in a view. */
  readonly secret: boolean;
  readonly bytes: number;
}

/** A port published on the host; a routed service's ports are the edge's business and do not appear. */
export interface DesiredPort {
  /** Port inside the container. */
  readonly target: number;
  /** Port on the host; absent: any free one. */
  readonly published?: number;
  readonly protocol: 'tcp' | 'udp';
  /** `127.0.0.1` unless `expose:` in seawall.yml names who may reach it; then `0.0.0.0`. */
  readonly hostAddress: string;
  /** CIDRs that may reach it from outside; empty: only this host. */
  readonly allow: readonly string[];
}

export interface DesiredNetwork {
  readonly name: string;
  /** No way out of the network (`internal: true`). */
  readonly internal: boolean;
}

export interface DesiredVolume {
  readonly name: string;
  /** Name in Docker: `PROJECT_NAME` as Compose names it, or `name:`. */
  readonly dockerName: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Made by the user; Seawall neither creates nor removes it. */
  readonly external: boolean;
}

export interface Dependency {
  readonly condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  readonly required: boolean;
  readonly restart: boolean;
}

export interface DesiredPlacement {
  /** Such as `node.hostname == app1`, `node.labels.disk != ssd`, `node.role == worker`. */
  readonly constraints: readonly string[];
  /** 0: no limit. */
  readonly maxPerHost: number;
}

/** Compose's `deploy.update_config`, with Seawall's defaults. */
export interface UpdateRule {
  /** Replicas replaced at a time; 0: all. Default 1. */
  readonly parallelism: number;
  readonly delayMs: number;
  /** Milliseconds a new replica is watched before it counts. Default 5000. */
  readonly monitorMs: number;
  readonly order: 'start-first' | 'stop-first';
  /** Why `order` is stop-first although nobody asked: shown by the plan. */
  readonly orderReason?: string;
  readonly failureAction: 'rollback' | 'pause' | 'continue';
  readonly maxFailureRatio: number;
}

export interface DesiredRoute {
  readonly domain: string;
  /** Path prefix, `/` by default. */
  readonly path: string;
  /** Name in the catalog: the project's own service (`PROJECT-SERVICE`) or one registered by hand. */
  readonly catalogService: string;
  /** Compose service behind the route; absent when the catalog's name is not of this project. */
  readonly service?: string;
  /** Port inside the replicas; for instances that Seawall did not start, their own registered port is used. */
  readonly port: number;
  /** `off`: plain HTTP. */
  readonly tls: 'off' | RouteTls;
  /** How replicas are spoken to; absent: plain HTTP. */
  readonly upstreamTls?: UpstreamTls;
  /** 0: no limit. Default 1 MiB as nginx. */
  readonly bodyLimitBytes: number;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly sendTimeoutMs: number;
  /** Milliseconds an idle connection to a replica is kept; shorter than the app's own. Default 1000. */
  readonly upstreamKeepaliveMs: number;
}

/** How a domain is served over HTTPS. All routes of a domain say the same. */
export interface RouteTls {
  /** Id of a certificate (`certificateId` in `catalog/tls-record.ts`). */
  readonly certificate: string;
  /** Plain HTTP is redirected: 301 for GET and HEAD, 308 otherwise. Otherwise it is served too. */
  readonly redirect: boolean;
  /** Sent once publicly trusted certificates have been served for a day. */
  readonly hsts: 'off' | HstsRule;
  /** PEM, or `internal`: clients must show a certificate of these CAs. */
  readonly clientCa?: string;
  /** PEM of the CAs' revocation lists; the private CA's are known to the edges. */
  readonly clientCrl?: string;
}

/** A certificate to have. What of it is secret stands in {@link Desired.certificateSecrets}, here as SHA-256. */
export interface DesiredCertificate {
  /** {@link import('../names.ts').certificateId} of the first name. */
  readonly id: string;
  /** DNS names, the one that the id was made of first. */
  readonly names: readonly string[];
  readonly source: 'acme' | 'internal' | 'files';
  /** In the order in which they are asked; empty unless `source` is `acme`. */
  readonly issuers: readonly DesiredIssuer[];
  readonly challenge: 'http' | 'dns';
  /** Of JSON `DnsHook` (`catalog/tls-record.ts`); with `challenge: dns` only. */
  readonly dns?: string;
  readonly keys: readonly ('ecdsa' | 'rsa')[];
  /** Of JSON `CertificateFiles`; with `source: files` only. */
  readonly files?: string;
  /** What replicas (`upstream`) or anything else on a host serve with, by the private CA; absent: what the edges serve with. */
  readonly purpose?: 'upstream' | 'other';
  /** Life of one of the private CA; absent: 90. */
  readonly days?: number;
}

/** An ACME server to ask (RFC 8555). */
export interface DesiredIssuer {
  /** For people: `letsencrypt`, or the directory's host name. */
  readonly name: string;
  readonly directory: string;
  /** Directory on which the first order of a name is rehearsed; absent: none is. */
  readonly staging?: string;
  /** PEM of the CAs that the directories' own HTTPS is trusted by; absent: those of the system. */
  readonly trust?: string;
  readonly email?: string;
  /** SHA-256 of JSON `AccountBinding` (`catalog/tls-record.ts`). */
  readonly binding?: string;
  /** Profile to ask for, such as `shortlived`; ignored where the directory does not offer it. */
  readonly profile?: string;
}

export interface HstsRule {
  /** Default 15552000: 180 days, what SSL Labs asks for an A+. */
  readonly maxAgeSeconds: number;
  readonly subdomains: boolean;
  readonly preload: boolean;
}

/** HTTPS between the edge and replicas that serve it themselves; always verified. */
export interface UpstreamTls {
  /** `internal`: the private CA; otherwise PEM of the CAs to trust. */
  readonly trust: string;
  /** Name asked for and verified; absent: the route's domain. */
  readonly serverName?: string;
}
